import HeadKV

/// What `generate` draws and with what: its flags, and where one is given the recipe of a picture or
/// of saved pictures, with the files they name opened.
struct GenerateSetup {
  let loaded: ImageModel
  let tokenizer: TokenizerLoading?
  let options: GenerationOptions
  let generator: Generator
  /// What `--max-memory` has come to.
  let fit: MemoryFit?
  /// Those of this shard.
  let pictures: PictureList
  /// Absent if nothing is written that has a recipe.
  let hashing: WeightHashing?
  /// Of a sheet.
  let columns: Int
  private let precision: WeightPrecision

  init(_ flags: Generate) throws {
    let (draw, files, series) = (flags.draw, flags.files, flags.series)
    let saved = try flags.state.origin.map { try SavedPictures(reading: $0) }
    let recipe = try saved?.recipe ?? draw.like.map { try Recipe(readingPNG: $0) }
    let asked = try draw.options(
      like: recipe,
      policy: recipe.map { try flags.cache.choice(over: $0.policyChoice()) }
        ?? flags.cache.choice(),
      threads: flags.common.threadCount)
    let model = flags.model.filled(from: recipe)
    fit = try series.memoryLimit.map {
      try MemoryLimit(bytes: $0).fit(model, asked, draw, like: recipe, files, series)
    }
    options = try fit.map { try asked.with(policy: $0.policy, batch: $0.batch) } ?? asked
    loaded = try model.load(
      needsTokenizer: files.wantsPictures, threads: flags.common.threadCount)
    tokenizer = try files.wantsPictures ? model.tokenizer.open(for: loaded.gpt) : nil
    var all = try PictureList(draw, like: recipe, loaded)
    if let saved { all = all.continuing(saved) }
    pictures = all.only(series.part.numbers(of: all.requests.count))
    // Caches belong to the weights that made them, whatever is written.
    hashing = try files.wantsPictures || saved != nil
      ? WeightHashing(
        model, given: flags.model, captions: all.captions, captionsGiven: draw.captions != nil,
        like: recipe, in: flags.state.origin ?? draw.like) : nil
    generator = try Generator(model: loaded, options: options)
    columns = files.columns ?? recipe?.columns ?? all.columns
    precision = model.held
  }

  /// What is known before the first token, for people.
  var lines: [String] {
    let plan = generator.policy.memory
    return [
      loaded.gpt.configuration.summary, options.summary,
      "cache of a sequence: \(Output.bytes(plan.capBytes)) at most, in full \(Output.bytes(plan.fullBytes))",
    ] + (fit.map { [$0.summary] } ?? [])
  }

  /// What recipes say; nil if nothing is hashed.
  var recipes: RecipeMaker? {
    hashing.map {
      RecipeMaker(
        hashing: $0, precision: precision, configuration: loaded.gpt.configuration,
        options: options, columns: columns)
    }
  }

  /// Fails if the caches of a batch of `pictures` would not fit into memory.
  func requireRoom(for pictures: PictureList) throws {
    let sequences = min(options.batch, pictures.requests.count) * options.sequencesPerPicture
    try MemoryRoom.require(
      sequences * generator.policy.memory.capBytes, for: "the caches of \(sequences) sequences")
  }

  /// The model with its tokenizer, once that is loaded.
  func finishedModel() throws -> ImageModel {
    ImageModel(gpt: loaded.gpt, tokenizer: try tokenizer?.value(), classNames: loaded.classNames)
  }
}
