import Foundation

/// Running sums of one policy's evaluation.
struct EvaluationTally {
  private let length: Int
  private(set) var losses: [[Float]] = []
  private(set) var fullLosses: [[Float]] = []
  private var agreements = 0
  private var divergence = 0.0
  private var tokens = 0
  private var rowSum = 0.0
  private var rowSamples = 0
  private var sums = EvaluationReport()

  init(length: Int, plan: MemoryPlan) {
    self.length = length
    sums.cacheBytesPlanned = plan.capBytes
    sums.cacheBytesFull = plan.fullBytes
  }

  mutating func start(_ count: Int) {
    for _ in 0..<count {
      losses.append([])
      fullLosses.append([])
    }
  }

  mutating func add(
    _ picture: Int, _ reference: Span<Float>, _ full: LogSoftmax, _ logits: Span<Float>,
    _ code: Int
  ) {
    let kept = LogSoftmax(logits)
    fullLosses[picture].append(Float(-full[reference, code]))
    losses[picture].append(Float(-kept[logits, code]))
    agreements += full.best == kept.best ? 1 : 0
    for index in reference.indices {
      let p = full[reference, index]
      divergence += exp(p) * (p - kept[logits, index])
    }
    tokens += 1
  }

  mutating func add(_ session: CacheSession) {
    let live = session.liveRows
    rowSum += Double(live) / Double(session.shape.allHeads)
    rowSamples += 1
    sums.peakRowsPerHead = max(sums.peakRowsPerHead, session.mostLiveRows)
    if session.isProfiling {
      sums.profilingRowsPeak = max(sums.profilingRowsPeak, live)
    } else {
      sums.steadyRowsPeak = max(sums.steadyRowsPeak, live)
      sums.budgetRows = max(sums.budgetRows, session.budgets.values.reduce(0) { $0 + $1.rows })
    }
    sums.cacheBytes = max(sums.cacheBytes, session.byteCount)
  }

  func report() -> EvaluationReport {
    func mean(_ rows: [[Float]]) -> [Double] {
      rows.map { $0.reduce(0.0) { $0 + Double($1) } / Double(length) }
    }
    let (full, kept) = (mean(fullLosses), mean(losses))
    let count = Double(full.count)
    let deltas = zip(kept, full).map { $0 - $1 }
    var report = sums
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
    return report
  }
}

/// Log-probabilities of logits, in double precision.
struct LogSoftmax {
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
