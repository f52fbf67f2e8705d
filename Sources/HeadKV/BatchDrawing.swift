import HeadKVCache
import HeadKVMath
import HeadKVModels

/// Draws the pictures of one batch, from their first token or from where they were left, and tells
/// what happens.
struct BatchDrawing {
  let generator: Generator
  /// The whole run's.
  let pictures: [PictureRequest]
  /// Tokens that each picture is to have in the end.
  let length: Int
  let kinds: GenerationEventKinds
  let observers: CacheObservers
  /// Asked after each token.
  let isCancelled: () -> Bool
  let emit: (GenerationEvent) -> Void

  private var options: GenerationOptions { generator.options }
  private var grid: TokenGrid { generator.gpt.configuration.grid }

  /// Draws the pictures in `range`, which stand at the same token, and adds to the report.
  ///
  /// - Returns: the pictures, with their caches if they are not whole.
  /// - Throws: ``GenerationCancelled``, ``ModelError``, ``SnapshotError``.
  func draw(
    _ range: Range<Int>, pool: WorkerPool, _ report: inout GenerationReport
  ) throws -> [PictureState] {
    let (gpt, policy, count) = (generator.gpt, generator.policy, range.count)
    let first = pictures[range.lowerBound].state?.tokens.count ?? 0
    var guided = options.isGuided(token: first)
    let sequences = count * (guided ? 2 : 1)
    let engine = DecodeEngine(model: gpt, policy: policy, sequences: sequences, pool: pool)
    var loop = TokenLoop(
      guidanceScale: options.guidanceScale, pictures: Array(pictures[range]), length: grid.count,
      vocabulary: gpt.configuration.vocabulary, pool: pool, sampler: generator.makeSampler)
    if first == 0 {
      try loop.begin(starts(range, engine), engine, guided: guided)
    } else {
      try restore(range, engine)
    }
    report.cacheBytesPlanned = max(
      report.cacheBytesPlanned, sequences * policy.memory.capBytes)
    report.cacheBytesFull = max(report.cacheBytesFull, sequences * policy.memory.fullBytes)
    report.rowsPerHeadFull = engine.shape.fullRows

    var watch = CacheWatch(engine, sequences: sequences, first: range.lowerBound, pictures: count)
    if first > 0 {
      for index in 0..<count { loop.take(index, pictures[range.lowerBound + index].state!.tokens) }
      loop.feed(first - 1, engine, guided: guided)
      account(engine, count, &report)
      tellOfCaches(engine, &watch)
    }
    for token in first..<length {
      loop.pick(token, engine)
      report.tokens += count
      if kinds.contains(.token) { emit(.token(progress(token, range))) }
      if kinds.contains(.rows) && (token + 1) % grid.width == 0 {
        emitRows(after: token, range, loop)
      }
      if isCancelled() { throw GenerationCancelled() }
      if guided && !options.isGuided(token: token + 1) {
        for index in 0..<count { engine.end(count + index) }
        guided = false
      }
      let isLast = token + 1 == length
      if !isLast { loop.feed(token, engine, guided: guided) }
      account(engine, count, &report)
      if !isLast { tellOfCaches(engine, &watch) }
    }
    return range.map { picture in
      let index = picture - range.lowerBound
      let branches = length == grid.count ? 0 : guided ? 2 : 1
      return PictureState(
        request: pictures[picture], tokens: loop.tokens(index, count: length),
        caches: (0..<branches).map { engine.session($0 * count + index)!.snapshot() })
    }
  }

  private func account(
    _ engine: DecodeEngine, _ count: Int, _ report: inout GenerationReport
  ) {
    report.cacheBytesPeak = max(report.cacheBytesPeak, engine.cacheBytes)
    for index in 0..<count { report.add(engine.session(index)!) }
  }

  private func tellOfCaches(_ engine: DecodeEngine, _ watch: inout CacheWatch) {
    if !kinds.isDisjoint(with: [.evicted, .profiled]) { watch.look(engine, kinds, emit) }
  }

  /// The branches of the pictures, with those that watch them.
  private func starts(_ range: Range<Int>, _ engine: DecodeEngine) -> [SequenceStart] {
    var starts = engine.starts(
      of: range.map { pictures[$0].condition }, isGuided: options.isGuided)
    for index in starts.indices {
      starts[index].observers = observers(
        range.lowerBound + index % range.count,
        index < range.count ? .conditional : .unconditional)
    }
    return starts
  }

  /// The same branches, as they were when the pictures were left.
  private func restore(_ range: Range<Int>, _ engine: DecodeEngine) throws(SnapshotError) {
    for (index, picture) in range.enumerated() {
      let state = pictures[picture].state!
      try state.check(
        length: grid.count, vocabulary: generator.gpt.configuration.vocabulary, options)
      for (branch, cache) in zip(GuidanceBranch.allCases, state.caches) {
        let isOther = branch == .unconditional
        let isFollower = isOther && generator.policy.branches == .shared
        try engine.restore(
          isOther ? range.count + index : index, cache,
          sharingWith: isFollower ? index : nil, observers: observers(picture, branch))
      }
    }
  }

  private func progress(_ token: Int, _ range: Range<Int>) -> GenerationProgress {
    GenerationProgress(
      tokens: range.lowerBound * length + (token + 1) * range.count,
      totalTokens: pictures.count * length, images: range.lowerBound,
      totalImages: pictures.count)
  }

  private func emitRows(after token: Int, _ range: Range<Int>, _ loop: borrowing TokenLoop) {
    for picture in range {
      emit(
        .rows(
          picture: picture, lines: (token + 1) / grid.width,
          tokens: loop.tokens(picture - range.lowerBound, count: token + 1)))
    }
  }
}
