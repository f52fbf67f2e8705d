import HeadKVMath

/// Feeds known pictures to a model and compares its predictions under policies with the full run.
///
/// The full run holds f32 rows, whatever the policies hold. All runs go through every step side by
/// side, so logits are compared where they stand, and the
/// full run is paid for once, however many policies there are.
public struct Evaluator: Sendable {
  public let gpt: GPT
  public let policies: [PolicyChoice]
  /// Weight of the conditional against the unconditional prediction; 1 or less compares conditional
  /// predictions alone.
  public let guidanceScale: Float
  public let threads: Int
  /// Pictures at a time; it changes nothing in the result.
  public let batch: Int

  /// - Precondition: at least one policy; `threads` is between 1 and 1024, `batch` positive.
  public init(
    gpt: GPT, policies: [PolicyChoice], guidanceScale: Float = 1, threads: Int? = nil,
    batch: Int = 16
  ) {
    precondition(!policies.isEmpty && batch > 0, "an evaluation has policies and pictures")
    self.gpt = gpt
    self.policies = policies
    self.guidanceScale = guidanceScale
    self.threads = threads ?? WorkerPool.availableProcessors
    self.batch = batch
  }

  /// With a single policy that has its default options.
  ///
  /// - Precondition: as ``init(gpt:policies:guidanceScale:threads:batch:)``.
  public init(
    gpt: GPT, policy: String = "auto", budget: CacheBudget? = nil, element: CacheElement? = nil,
    guidanceScale: Float = 1, threads: Int? = nil, batch: Int = 16
  ) {
    self.init(
      gpt: gpt, policies: [PolicyChoice(policy, budget: budget, element: element)],
      guidanceScale: guidanceScale, threads: threads, batch: batch)
  }

  /// Evaluates the first policy.
  ///
  /// - Parameter progress: gets pictures done and in all; false ends the run.
  /// - Throws: ``PolicyError``, ``ModelError``, ``OptionError``, ``GenerationCancelled``.
  public func evaluate(
    _ set: TokenSet, limit: Int? = nil, progress: (Int, Int) -> Bool = { _, _ in true }
  ) throws -> Evaluation {
    try Evaluator(
      gpt: gpt, policies: [policies[0]], guidanceScale: guidanceScale, threads: threads,
      batch: batch
    ).evaluateAll(set, limit: limit, progress: progress)[0]
  }

  /// Evaluates all policies on the same tokens, in their order.
  ///
  /// - Parameter progress: gets pictures done and in all; false ends the run.
  /// - Throws: ``PolicyError``, ``ModelError``, ``OptionError``, ``GenerationCancelled``.
  public func evaluateAll(
    _ set: TokenSet, limit: Int? = nil, progress: (Int, Int) -> Bool = { _, _ in true }
  ) throws -> [Evaluation] {
    let shape = gpt.configuration.sequenceShape
    let made = try policies.map { try $0.policy(for: shape) }
    let count = min(limit ?? set.tokens.count, set.tokens.count)
    try check(set, count)
    let start = ContinuousClock.now
    let pool = WorkerPool(threads: threads)
    var tallies = made.map {
      EvaluationTally(length: gpt.configuration.grid.count, plan: $0.memory)
    }
    var first = 0
    while first < count {
      let size = min(batch, count - first)
      try run(
        set, first..<first + size, policies: made, pool: pool, &tallies,
        cancelled: { !progress(first, count) })
      first += size
    }
    _ = progress(count, count)
    let seconds = Double((ContinuousClock.now - start) / .milliseconds(1)) / 1000
    return zip(policies, tallies).map { policy, tally in
      var report = tally.report()
      report.seconds = seconds
      return Evaluation(
        policy: policy, report: report, losses: tally.losses, fullLosses: tally.fullLosses)
    }
  }

  func check(_ set: TokenSet, _ count: Int) throws {
    let configuration = gpt.configuration
    guard guidanceScale.isFinite, guidanceScale >= 0 else {
      throw OptionError("cfg-scale", "\(guidanceScale)", "a number that is not negative")
    }
    guard count > 0 else { throw OptionError("\(set.path): pictures", "0", "at least one") }
    guard configuration.classCount > 0 else {
      throw OptionError("the model", "drawn from captions", "drawn from classes, to be evaluated")
    }
    guard set.classes.count == set.tokens.count else {
      throw OptionError("\(set.path): classes", "\(set.classes.count)", "one for each picture")
    }
    for index in 0..<count {
      guard set.tokens[index].count == configuration.grid.count else {
        throw OptionError(
          "\(set.path): a picture", "\(set.tokens[index].count) tokens",
          "\(configuration.grid.count), the model's grid")
      }
      if let bad = set.tokens[index].first(where: { $0 >= configuration.vocabulary }) {
        throw ModelError.tokenOutOfRange(Int(bad), codes: configuration.vocabulary)
      }
      try gpt.check(.category(set.classes[index]))
    }
  }

  private func run(
    _ set: TokenSet, _ range: Range<Int>, policies: [CachePolicy], pool: WorkerPool,
    _ tallies: inout [EvaluationTally], cancelled: () -> Bool
  ) throws {
    let isGuided = guidanceScale > 1
    let guidance = isGuided ? Guidance(scale: guidanceScale, pictures: range.count) : nil
    let sequences = range.count * (isGuided ? 2 : 1)
    let full = DecodeEngine(model: gpt, sequences: sequences, pool: pool)
    let kept = policies.map {
      DecodeEngine(model: gpt, policy: $0, sequences: sequences, pool: pool)
    }
    let engines = [full] + kept
    let conditions = range.map { Condition.category(set.classes[$0]) }
    for engine in engines {
      try engine.begin(engine.starts(of: conditions, isGuided: isGuided), guidance: guidance)
    }
    for policy in kept.indices { tallies[policy].start(range.count) }
    var rows: [StepRow] = []
    let length = gpt.configuration.grid.count
    for token in 0..<length {
      for (index, picture) in range.enumerated() {
        full.withLogits(index) { reference in
          let full = LogSoftmax(reference)
          for (policy, engine) in kept.enumerated() {
            engine.withLogits(index) { logits in
              tallies[policy].add(
                picture, reference, full, logits, Int(set.tokens[picture][token]))
            }
            tallies[policy].add(engine.session(index)!)
          }
        }
      }
      if cancelled() { throw GenerationCancelled() }
      if token + 1 == length { break }
      rows.removeAll(keepingCapacity: true)
      for sequence in 0..<sequences {
        let picture = range.lowerBound + sequence % range.count
        rows.append(
          StepRow(
            sequence: sequence, token: set.tokens[picture][token], position: Int32(token)))
      }
      for engine in engines { engine.step(rows, guidance: guidance) }
    }
  }
}
