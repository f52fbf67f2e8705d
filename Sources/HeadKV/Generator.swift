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
  /// - Throws: ``ModelError`` for a condition that is not the model's, ``GenerationCancelled``.
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

  /// The one loop over batches behind all ways to draw.
  func run(
    _ pictures: [PictureRequest], _ kinds: GenerationEventKinds,
    observers: @escaping CacheObservers, isCancelled: @escaping () -> Bool,
    emit: @escaping (GenerationEvent) -> Void
  ) throws -> GenerationResult {
    try check(pictures)
    let batch = min(options.batch, max(pictures.count, 1))
    emit(
      .started(
        GenerationPlan(
          pictures: pictures.count, batch: batch, grid: gpt.configuration.grid,
          policy: policy.name, memory: policy.memory,
          sequences: batch * options.sequencesPerPicture)))
    let drawing = BatchDrawing(
      generator: self, pictures: pictures, kinds: kinds, observers: observers,
      isCancelled: isCancelled, emit: emit)
    let pool = WorkerPool(threads: options.threads)
    var images: [GeneratedImage] = []
    var report = GenerationReport()
    while images.count < pictures.count {
      if isCancelled() { throw GenerationCancelled() }
      let range = images.count..<min(images.count + batch, pictures.count)
      let start = ContinuousClock.now
      let drawn = try drawing.draw(range, pool: pool, &report)
      report.seconds += Double((ContinuousClock.now - start) / .microseconds(1)) / 1e6
      for image in drawn {
        emit(.image(picture: images.count, image: image))
        images.append(image)
      }
    }
    emit(.finished(report))
    return GenerationResult(images: images, report: report)
  }

  /// - Throws: ``ModelError`` for a condition that is not the model's.
  func check(_ pictures: [PictureRequest]) throws(ModelError) {
    for picture in pictures { try gpt.check(picture.condition) }
  }
}
