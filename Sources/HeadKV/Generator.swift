import HeadKVCache
import HeadKVMath
import HeadKVModels

/// Draws pictures' tokens with a model.
///
/// The result depends on weights, conditions, options and seeds alone: not on batch size, threads
/// or the other pictures of a batch. A value: threads start with a run and end with it, and runs do
/// not share anything but the weights.
public struct Generator: Sendable {
  public let gpt: GPT
  public let options: GenerationOptions
  public let policy: CachePolicy
  let makeSampler: TokenSamplerMaker

  /// - Parameter sampler: makes what picks tokens, once a batch; nil is what the options say.
  /// - Throws: ``PolicyError`` if policy and budget do not fit the model.
  public init(
    gpt: GPT, options: GenerationOptions, sampler: TokenSamplerMaker? = nil
  ) throws(PolicyError) {
    self.gpt = gpt
    self.options = options
    policy = try options.policy.policy(for: gpt.configuration.sequenceShape)
    let sampling = options.sampling
    makeSampler = sampler ?? { Sampler(sampling, vocabulary: $0) }
  }

  /// - Throws: ``PolicyError`` if policy and budget do not fit the model.
  public init(
    model: ImageModel, options: GenerationOptions, sampler: TokenSamplerMaker? = nil
  ) throws(PolicyError) {
    try self.init(gpt: model.gpt, options: options, sampler: sampler)
  }

  /// Draws one picture for each class; picture i with seed + i.
  public func generate(
    classes: [Int], progress: (GenerationProgress) -> Bool = { _ in true },
    observers: CacheObservers = { _, _ in [] }
  ) throws -> GenerationResult {
    try generate(
      conditions: classes.map { .category($0) }, progress: progress, observers: observers)
  }

  /// Draws one picture for each condition; picture i with seed + i.
  ///
  /// - Parameters:
  ///   - progress: called after each step; false ends the run.
  ///   - observers: asked for those that watch the cache of a picture's branch.
  /// - Throws: ``ModelError`` for a condition that is not the model's, ``GenerationCancelled``.
  public func generate(
    conditions: [Condition], progress: (GenerationProgress) -> Bool = { _ in true },
    observers: CacheObservers = { _, _ in [] }
  ) throws -> GenerationResult {
    try generate(
      PictureRequest.pictures(conditions, seed: options.seed), telling: .token,
      observers: observers
    ) { event in
      if case .token(let state) = event { progress(state) } else { true }
    }
  }

  /// Draws pictures, each with its own seed, on the calling thread and tells what happens.
  ///
  /// - Parameters:
  ///   - kinds: what to tell.
  ///   - observers: asked for those that watch the cache of a picture's branch.
  ///   - tell: called on this thread, between steps; false ends the run after the token at hand.
  /// - Throws: ``ModelError`` for a condition that is not the model's, ``SnapshotError`` for a state
  ///   that is not of such a model, options and policy, ``GenerationCancelled``.
  public func generate(
    _ pictures: [PictureRequest], telling kinds: GenerationEventKinds = [],
    observers: CacheObservers = { _, _ in [] }, _ tell: (GenerationEvent) -> Bool
  ) throws -> GenerationResult {
    var isWanted = true
    return try withoutActuallyEscaping(tell) { tell in
      try withoutActuallyEscaping(observers) { observers in
        try run(pictures, kinds, observers: observers, isCancelled: { !isWanted }) {
          isWanted = tell($0) && isWanted
        }
      }
    }
  }

  /// Draws the first lines of pictures and keeps what is needed to go on with them:
  /// ``PictureRequest/init(continuing:seed:)``.
  ///
  /// - Parameters:
  ///   - lines: lines of the grid that each picture is to have.
  ///   - kinds, tell: as for ``generate(_:telling:observers:_:)``.
  /// - Throws: also ``OptionError`` if a picture has no such line, or has it already.
  public func draw(
    _ pictures: [PictureRequest], lines: Int, telling kinds: GenerationEventKinds = [],
    _ tell: (GenerationEvent) -> Bool = { _ in true }
  ) throws -> (states: [PictureState], report: GenerationReport) {
    let grid = gpt.configuration.grid
    let least = (pictures.compactMap { $0.state?.tokens.count }.max() ?? 0) / grid.width + 1
    guard lines >= least, lines < grid.height else {
      throw OptionError("lines", "\(lines)", "between \(least) and \(grid.height - 1)")
    }
    var isWanted = true
    return try withoutActuallyEscaping(tell) { tell in
      try run(
        pictures, tokens: lines * grid.width, kinds, observers: { _, _ in [] },
        isCancelled: { !isWanted }
      ) { isWanted = tell($0) && isWanted }
    }
  }

  /// Draws whole pictures.
  func run(
    _ pictures: [PictureRequest], _ kinds: GenerationEventKinds,
    observers: @escaping CacheObservers, isCancelled: @escaping () -> Bool,
    emit: @escaping (GenerationEvent) -> Void
  ) throws -> GenerationResult {
    let drawn = try run(
      pictures, tokens: gpt.configuration.grid.count, kinds, observers: observers,
      isCancelled: isCancelled, emit: emit)
    return GenerationResult(images: drawn.states.map(GeneratedImage.init), report: drawn.report)
  }

  /// The one loop over batches behind all ways to draw: each picture up to `tokens` tokens.
  private func run(
    _ pictures: [PictureRequest], tokens: Int, _ kinds: GenerationEventKinds,
    observers: @escaping CacheObservers, isCancelled: @escaping () -> Bool,
    emit: @escaping (GenerationEvent) -> Void
  ) throws -> (states: [PictureState], report: GenerationReport) {
    try check(pictures)
    let batch = min(options.batch, max(pictures.count, 1))
    emit(
      .started(
        GenerationPlan(
          pictures: pictures.count, batch: batch, grid: gpt.configuration.grid,
          policy: policy.name, memory: policy.memory,
          sequences: batch * options.sequencesPerPicture)))
    let drawing = BatchDrawing(
      generator: self, pictures: pictures, length: tokens, kinds: kinds, observers: observers,
      isCancelled: isCancelled, emit: emit)
    let isWhole = tokens == gpt.configuration.grid.count
    let pool = WorkerPool(threads: options.threads)
    var states: [PictureState] = []
    var report = GenerationReport()
    while states.count < pictures.count {
      if isCancelled() { throw GenerationCancelled() }
      let start = ContinuousClock.now
      let drawn = try drawing.draw(next(pictures[states.count...], batch), pool: pool, &report)
      report.seconds += Double((ContinuousClock.now - start) / .microseconds(1)) / 1e6
      for state in drawn {
        if isWhole { emit(.image(picture: states.count, image: GeneratedImage(state))) }
        states.append(state)
      }
    }
    emit(.finished(report))
    return (states, report)
  }

  /// The pictures of the next batch: those that stand at the same token as the first that is left.
  private func next(_ pictures: ArraySlice<PictureRequest>, _ batch: Int) -> Range<Int> {
    let same = pictures.prefix(batch).prefix {
      $0.state?.tokens.count == pictures.first?.state?.tokens.count
    }
    return same.startIndex..<same.endIndex
  }

  /// - Throws: ``ModelError`` for a condition that is not the model's.
  func check(_ pictures: [PictureRequest]) throws(ModelError) {
    for picture in pictures { try gpt.check(picture.condition) }
  }
}
