extension MemoryNeed {
  /// What `pictures` pictures take beside their caches.
  ///
  /// - Parameters:
  ///   - gpt: loaded in any precision; `precision` is the one to draw with.
  ///   - tokenizer: the catalog of its weights; nil if only tokens are wanted.
  ///   - keepsPictures: whether all are kept for a sheet.
  /// - Throws: ``VQError`` if the catalog holds no tokenizer.
  public init(
    _ gpt: GPT, precision: WeightPrecision, tokenizer catalog: TensorCatalog?,
    options: GenerationOptions, pictures: Int, keepsPictures: Bool
  ) throws(VQError) {
    self.init(weights: gpt.weightBytes(as: precision), threads: options.threads)
    let shape = gpt.configuration
    let sequences = options.sequencesPerPicture
    // A sampler is made for each picture: candidates, their weights and a heap.
    work =
      DecodeEngine.workBytes(
        shape, precision: precision == .auto ? gpt.precision : precision, sequences: sequences,
        threads: options.threads)
      + 8 * shape.grid.count + 24 * shape.vocabulary
    // Tokens, then the array that a file of them is written from.
    results = pictures * (4 + 8 + 8) * shape.grid.count
    guard let catalog else { return }
    let memory = try VQMemory(catalog, width: shape.grid.width, height: shape.grid.height)
    let side = try VQTokenizer.outline(catalog).downsampling
    let bytes = 3 * shape.grid.count * side * side
    tokenizer = memory.weights
    decoding = memory.decoding
    // The picture, and the file before it is cut to its length.
    pixels = 3 * bytes
    if keepsPictures {
      // A sheet enlarges small pictures up to three times each way.
      let scale = max(1, min(3, 128 / max(shape.grid.width * side, 1)))
      results += pictures * bytes * (1 + 3 * scale * scale)
      pixels = bytes
    }
  }
}
