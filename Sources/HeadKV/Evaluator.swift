import HeadKVMath

/// Feeds known pictures to a model and compares its predictions under policies with the full run.
///
/// The full run holds f32 rows, whatever the policies hold. All runs go through every step side by
/// side, so logits are compared where they stand, and the
/// full run is paid for once, however many policies there are.
public struct Evaluator: Sendable {
  public let gpt: GPT
  public let policies: [PolicyChoice]
  public let threads: Int
  /// Pictures at a time; it changes nothing in the result.
  public let batch: Int

  /// - Precondition: at least one policy; `threads` is between 1 and 1024, `batch` positive.
  public init(gpt: GPT, policies: [PolicyChoice], threads: Int? = nil, batch: Int = 16) {
    precondition(!policies.isEmpty && batch > 0, "an evaluation has policies and pictures")
    self.gpt = gpt
    self.policies = policies
    self.threads = threads ?? WorkerPool.availableProcessors
    self.batch = batch
  }

  /// With a single policy that has its default options.
  ///
  /// - Precondition: as ``init(gpt:policies:threads:batch:)``.
  public init(
    gpt: GPT, policy: String = "auto", budget: CacheBudget? = nil, element: CacheElement? = nil,
    threads: Int? = nil, batch: Int = 16
  ) {
    self.init(
      gpt: gpt, policies: [PolicyChoice(policy, budget: budget, element: element)],
      threads: threads, batch: batch)
  }

  /// Evaluates the first policy.
  ///
  /// - Parameter progress: gets pictures done and in all; false ends the run.
  /// - Throws: ``PolicyError``, ``ModelError``, ``OptionError``, ``GenerationCancelled``.
  public func evaluate(
    _ set: TokenSet, limit: Int? = nil, progress: (Int, Int) -> Bool = { _, _ in true }
  ) throws -> Evaluation {
    try Evaluator(gpt: gpt, policies: [policies[0]], threads: threads, batch: batch)
      .evaluateAll(set, limit: limit, progress: progress)[0]
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
    let full = DecodeEngine(model: gpt, sequences: range.count, pool: pool)
    let kept = policies.map {
      DecodeEngine(model: gpt, policy: $0, sequences: range.count, pool: pool)
    }
    for (index, picture) in range.enumerated() {
      for engine in [full] + kept {
        try engine.begin(index, condition: .category(set.classes[picture]))
      }
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
      for (index, picture) in range.enumerated() {
        rows.append(
          StepRow(
            sequence: index, token: set.tokens[picture][token], position: Int32(token)))
      }
      full.step(rows)
      for engine in kept { engine.step(rows) }
    }
  }
}
