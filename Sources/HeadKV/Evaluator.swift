import Foundation
import HeadKVMath

/// What a policy costs in prediction, teacher-forced on given pictures.
public struct EvaluationReport: Sendable, Codable, Hashable {
  public var sequences = 0
  public var tokensPerSequence = 0
  /// Mean loss in nats a token with the full cache, under the policy, and their difference.
  public var nllFull = 0.0
  public var nll = 0.0
  public var delta = 0.0
  /// Standard error of `delta` over pictures.
  public var deltaStandardError = 0.0
  /// Share of tokens for which both runs hold the same code likeliest.
  public var top1Agreement = 0.0
  /// Mean of KL(full || policy) in nats a token.
  public var meanKL = 0.0
  /// Live rows of a head after a step, prefix included: mean over steps, and the most.
  public var meanRowsPerHead = 0.0
  public var peakRowsPerHead = 0
  /// Bytes of one sequence's cache.
  public var cacheBytes = 0
  public var cacheBytesFull = 0
  public var seconds = 0.0
}

/// Losses and report of an evaluation.
public struct Evaluation: Sendable {
  public let report: EvaluationReport
  /// Loss of each token `[N][T]` under the policy, and with the full cache.
  public let losses: [[Float]]
  public let fullLosses: [[Float]]
}

/// Feeds known pictures to a model and compares its predictions under a policy with the full run.
///
/// Both runs go through every step side by side, so weights are read once and logits are compared
/// where they stand.
public struct Evaluator: Sendable {
  public let gpt: GPT
  public let policyName: String
  public let budget: CacheBudget?
  public let threads: Int
  /// Pictures at a time; it changes nothing in the result.
  public let batch: Int

  public init(
    gpt: GPT, policy: String = "full", budget: CacheBudget? = nil, threads: Int? = nil,
    batch: Int = 16
  ) {
    self.gpt = gpt
    policyName = policy
    self.budget = budget
    self.threads = threads ?? WorkerPool.availableProcessors
    self.batch = batch
  }

  /// - Parameter progress: gets sequences done and in all; false ends the run.
  /// - Throws: ``PolicyError``, ``ModelError``, ``OptionError``, ``GenerationCancelled``.
  public func evaluate(
    _ set: TokenSet, limit: Int? = nil, progress: (Int, Int) -> Bool = { _, _ in true }
  ) throws -> Evaluation {
    let shape = gpt.configuration.sequenceShape
    let policy = try PolicyCatalog.make(policyName, budget: budget, shape: shape)
    let count = min(limit ?? set.tokens.count, set.tokens.count)
    try check(set, count)
    let start = ContinuousClock.now
    let pool = WorkerPool(threads: threads)
    var tally = EvaluationTally(length: gpt.configuration.grid.count)
    var first = 0
    while first < count {
      let size = min(batch, count - first)
      try run(
        set, first..<first + size, policy: policy, pool: pool, &tally,
        cancelled: { !progress(first, count) })
      first += size
    }
    _ = progress(count, count)
    var report = tally.report()
    report.cacheBytes = SequenceCache(shape, policy: policy).byteCount
    report.cacheBytesFull = shape.byteCount(rowsPerHead: shape.fullRows)
    report.seconds = Double((ContinuousClock.now - start) / .milliseconds(1)) / 1000
    return Evaluation(report: report, losses: tally.losses, fullLosses: tally.fullLosses)
  }

  private func check(_ set: TokenSet, _ count: Int) throws {
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
    _ set: TokenSet, _ range: Range<Int>, policy: any EvictionPolicy, pool: WorkerPool,
    _ tally: inout EvaluationTally, cancelled: () -> Bool
  ) throws {
    let full = DecodeEngine(model: gpt, policy: FullPolicy(), sequences: range.count, pool: pool)
    let kept = DecodeEngine(model: gpt, policy: policy, sequences: range.count, pool: pool)
    for (index, picture) in range.enumerated() {
      try full.begin(index, condition: .category(set.classes[picture]))
      try kept.begin(index, condition: .category(set.classes[picture]))
    }
    tally.start(range.count)
    var rows: [StepRow] = []
    let length = gpt.configuration.grid.count
    let heads = kept.shape.layers * kept.shape.heads
    for token in 0..<length {
      for (index, picture) in range.enumerated() {
        full.withLogits(index) { reference in
          kept.withLogits(index) { logits in
            tally.add(picture, reference, logits, Int(set.tokens[picture][token]))
          }
        }
        tally.addRows(kept.liveRows(index), heads: heads, most: kept.mostLiveRows(index))
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
      kept.step(rows)
    }
  }
}

/// Running sums of an evaluation.
private struct EvaluationTally {
  let length: Int
  var losses: [[Float]] = []
  var fullLosses: [[Float]] = []
  private var agreements = 0
  private var divergence = 0.0
  private var tokens = 0
  private var rowSum = 0.0
  private var rowSamples = 0
  private var mostRows = 0

  init(length: Int) { self.length = length }

  mutating func start(_ count: Int) {
    for _ in 0..<count {
      losses.append([])
      fullLosses.append([])
    }
  }

  mutating func add(_ picture: Int, _ reference: Span<Float>, _ logits: Span<Float>, _ code: Int) {
    let a = LogSoftmax(reference)
    let b = LogSoftmax(logits)
    fullLosses[picture].append(Float(-a[reference, code]))
    losses[picture].append(Float(-b[logits, code]))
    agreements += a.best == b.best ? 1 : 0
    for index in reference.indices {
      let p = a[reference, index]
      divergence += exp(p) * (p - b[logits, index])
    }
    tokens += 1
  }

  mutating func addRows(_ live: Int, heads: Int, most: Int) {
    rowSum += Double(live) / Double(heads)
    rowSamples += 1
    mostRows = max(mostRows, most)
  }

  func report() -> EvaluationReport {
    func mean(_ rows: [[Float]]) -> [Double] {
      rows.map { $0.reduce(0.0) { $0 + Double($1) } / Double(length) }
    }
    let (full, kept) = (mean(fullLosses), mean(losses))
    let count = Double(full.count)
    let deltas = zip(kept, full).map { $0 - $1 }
    var report = EvaluationReport()
    report.sequences = full.count
    report.tokensPerSequence = length
    report.nllFull = full.reduce(0, +) / count
    report.nll = kept.reduce(0, +) / count
    report.delta = deltas.reduce(0, +) / count
    let variance = deltas.reduce(0) { $0 + ($1 - report.delta) * ($1 - report.delta) }
    report.deltaStandardError = count > 1 ? (variance / (count - 1) / count).squareRoot() : 0
    report.top1Agreement = Double(agreements) / Double(tokens)
    report.meanKL = divergence / Double(tokens)
    report.meanRowsPerHead = rowSum / Double(rowSamples)
    report.peakRowsPerHead = mostRows
    return report
  }
}

/// Log-probabilities of logits, in double precision.
private struct LogSoftmax {
  private let offset: Double
  let best: Int

  init(_ logits: Span<Float>) {
    best = Sampler.argmax(logits)
    let top = Double(logits[best])
    var sum = 0.0
    for index in logits.indices { sum += exp(Double(logits[index]) - top) }
    offset = top + log(sum)
  }

  subscript(logits: Span<Float>, index: Int) -> Double { Double(logits[index]) - offset }
}
