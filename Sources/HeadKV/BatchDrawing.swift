import HeadKVCache
import HeadKVMath
import HeadKVModels

/// Draws the pictures of one batch and tells what happens.
struct BatchDrawing {
  let generator: Generator
  /// The whole run's.
  let pictures: [PictureRequest]
  let kinds: GenerationEventKinds
  let observers: CacheObservers
  /// Asked after each token.
  let isCancelled: () -> Bool
  let emit: (GenerationEvent) -> Void

  private var options: GenerationOptions { generator.options }
  private var grid: TokenGrid { generator.gpt.configuration.grid }

  /// Draws the pictures in `range` and adds to the report.
  ///
  /// - Throws: ``GenerationCancelled``, ``ModelError``.
  func draw(
    _ range: Range<Int>, pool: WorkerPool, _ report: inout GenerationReport
  ) throws -> [GeneratedImage] {
    let (gpt, policy, count) = (generator.gpt, generator.policy, range.count)
    let sequences = count * options.sequencesPerPicture
    let engine = DecodeEngine(model: gpt, policy: policy, sequences: sequences, pool: pool)
    try engine.begin(starts(range))
    report.cacheBytesPlanned = max(
      report.cacheBytesPlanned, sequences * policy.memory.capBytes)
    report.cacheBytesFull = max(report.cacheBytesFull, sequences * policy.memory.fullBytes)
    report.rowsPerHeadFull = engine.shape.fullRows

    let vocabulary = gpt.configuration.vocabulary
    var guided = options.isGuided
    var watch = CacheWatch(engine, sequences: sequences, first: range.lowerBound, pictures: count)
    var loop = TokenLoop(
      guidanceScale: options.guidanceScale, seeds: pictures[range].map(\.seed),
      length: grid.count, vocabulary: vocabulary, sampler: generator.makeSampler(vocabulary))
    for token in 0..<grid.count {
      loop.pick(token, engine, guided: guided)
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
      if token + 1 < grid.count { loop.feed(token, engine, guided: guided) }
      report.cacheBytesPeak = max(report.cacheBytesPeak, engine.cacheBytes)
      for index in 0..<count { report.add(engine.session(index)!) }
      if !kinds.isDisjoint(with: [.evicted, .profiled]) && token + 1 < grid.count {
        watch.look(engine, kinds, emit)
      }
    }
    return range.map {
      GeneratedImage(
        seed: pictures[$0].seed,
        tokens: loop.tokens($0 - range.lowerBound, count: grid.count))
    }
  }

  /// The branches of the pictures: the conditional ones, then under guidance the others.
  private func starts(_ range: Range<Int>) -> [SequenceStart] {
    let classes = generator.gpt.configuration.classCount
    var starts = range.enumerated().map { index, picture in
      SequenceStart(
        index, condition: pictures[picture].condition,
        observers: observers(picture, .conditional))
    }
    if options.isGuided {
      starts += range.enumerated().map { index, picture in
        SequenceStart(
          range.count + index, condition: pictures[picture].condition.null(classes: classes),
          sharingWith: generator.policy.branches == .shared ? index : nil,
          observers: observers(picture, .unconditional))
      }
    }
    return starts
  }

  private func progress(_ token: Int, _ range: Range<Int>) -> GenerationProgress {
    GenerationProgress(
      tokens: range.lowerBound * grid.count + (token + 1) * range.count,
      totalTokens: pictures.count * grid.count, images: range.lowerBound,
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
