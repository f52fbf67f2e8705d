import HeadKV

/// What `--max-memory` asks for.
struct MemoryLimit {
  let bytes: Int

  /// As many pictures at a time, and as large a budget, as fit.
  ///
  /// The GPT is mapped to see what it is, not read.
  /// - Parameter model: with a recipe's files filled in.
  /// - Throws: ``MemoryFitError`` saying what would fit, or what is wrong with the files.
  func fit(
    _ model: ModelOptions, _ options: GenerationOptions, _ draw: DrawOptions, like recipe: Recipe?,
    _ files: GenerateFiles, _ series: SeriesOptions
  ) throws -> MemoryFit {
    var mapping = model
    mapping.precision = .auto
    let mapped = try mapping.load(needsTokenizer: files.wantsPictures)
    let count = try PictureList(draw, like: recipe, mapped).requests.count
    let gpt = mapped.gpt
    let isSheet = try files.writesPictures && !files.paths().isSeries
    var need = try MemoryNeed(
      gpt, precision: model.held,
      tokenizer: files.wantsPictures ? TensorCatalog.open(model.tokenizer.path) : nil,
      options: options, pictures: series.part.numbers(of: count).count, keepsPictures: isSheet)
    need.decodesWhileDrawing = files.preview != nil
    // A packed file has one precision.
    let others: [WeightPrecision] = gpt.precision == .auto ? [.bf16, .bf12, .int8] : []
    return try MemoryFit(
      limit: bytes, batch: min(options.batch, max(count, 1)), decoders: options.threads, need: need,
      policy: options.policy, shape: gpt.configuration.sequenceShape,
      sequences: options.sequencesPerPicture,
      weights: Dictionary(uniqueKeysWithValues: others.map { ($0, gpt.weightBytes(as: $0)) }))
  }
}

extension MemoryFit {
  /// What was picked, in a line.
  var summary: String {
    "memory: \(Output.bytes(bytes)) at most of \(Output.bytes(limit)); "
      + "\(batch) picture\(batch == 1 ? "" : "s") at a time, kv-budget "
      + (policy.budget?.description ?? "everything")
  }
}
