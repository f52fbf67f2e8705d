import HeadKV
import HeadKVMath

/// Draws pictures under one setting, step by step, and keeps account of it.
final class DecodeRun {
  let setting: DecodeSetting
  let steps: Int
  /// Which lines are timed, if the others need not be drawn.
  private let sampling: LineSampling
  private let model: GPT
  private let policy: CachePolicy
  private let pool: WorkerPool
  private var engine: DecodeEngine?
  private var rows: [StepRow]
  private let guidance: Guidance
  private var times: [[Double]] = []
  /// Bytes a second that the lines' steps came to, each as a share of a reading right after it.
  private var shares: [Double] = []
  /// Live rows that attention has read in the steps that were timed, over heads and sequences.
  private var rowsRead = 0
  private var mostCacheBytes = 0

  /// - Parameter steps: steps of a round; nil for the whole picture.
  init(
    _ setting: DecodeSetting, model: GPT, steps: Int?, sampling: LineSampling, pool: WorkerPool
  ) throws(PolicyError) {
    self.setting = setting
    self.model = model
    self.pool = pool
    self.steps = min(steps ?? setting.wholePicture, setting.wholePicture)
    policy = try setting.makePolicy()
    self.sampling = policy.name == "full" ? sampling : .everyLine
    rows = (0..<setting.sequences).map { StepRow(sequence: $0, token: 0, position: 0) }
    guidance = Guidance(scale: 4, pictures: setting.batch)
  }

  /// Draws some steps that do not count.
  func warmUp(steps: Int) {
    let engine = makeEngine()
    for step in 0..<min(steps, self.steps) {
      setRows(step)
      engine.step(rows, guidance: guidance)
    }
  }

  /// Starts a round: a new picture.
  func begin() {
    engine = makeEngine()
    times.append([])
    times[times.count - 1].reserveCapacity(steps)
  }

  /// Draws and times the steps of line `line`, in `range`, which follow those drawn before, and then
  /// asks `sample` how fast memory is read; or only fills the cache, if the line is left out.
  func draw(line: Int, _ range: Range<Int>, sample: () -> Double) {
    guard let engine else { preconditionFailure("a round begins before it draws") }
    guard sampling.takes(line: line) else {
      for sequence in 0..<setting.sequences {
        CacheFilling.fill(engine.session(sequence)!, positions: range)
      }
      return
    }
    let rowsBefore = rowsRead
    for step in range {
      // Each head reads what is live and the row that the step adds.
      for sequence in 0..<setting.sequences {
        rowsRead += engine.liveRows(sequence) + engine.shape.allHeads
      }
      setRows(step)
      let start = ContinuousClock.now
      engine.step(rows, guidance: guidance)
      times[times.count - 1].append(Statistics.milliseconds(ContinuousClock.now - start))
    }
    mostCacheBytes = max(mostCacheBytes, engine.cacheBytes)
    let bytes =
      model.weightBytesPerStep * range.count + (rowsRead - rowsBefore) * setting.rowBytes
    let seconds = times[times.count - 1].suffix(range.count).reduce(0, +) / 1000
    shares.append(Double(bytes) / seconds / sample())
  }

  /// Ends a round and frees the caches.
  func end() { engine = nil }

  private func makeEngine() -> DecodeEngine {
    let engine = DecodeEngine(
      model: model, policy: policy, sequences: setting.sequences, pool: pool)
    // The classes are the model's own, so beginning cannot fail.
    try! engine.begin(
      engine.starts(of: (0..<setting.batch).map { .category($0 % 1000) }, isGuided: true),
      guidance: guidance)
    return engine
  }

  private func setRows(_ step: Int) {
    let vocabulary = model.configuration.vocabulary
    for index in rows.indices {
      // Both sequences of a picture are fed the same token.
      rows[index].token = Int32((step * 7919 + index % setting.batch * 104_729) % vocabulary)
      rows[index].position = Int32(step)
    }
  }

  /// What the rounds have come to.
  ///
  /// - Precondition: at least one round has been drawn.
  func result() -> DecodeResult {
    let counted = times.reduce(0) { $0 + $1.count }
    return DecodeResult(
      setting: setting, times: StepTimes(rounds: times, line: setting.grid),
      weightBytes: model.weightBytesPerStep,
      cacheBytesRead: Double(rowsRead * setting.rowBytes) / Double(counted),
      cacheBytesHeld: mostCacheBytes, pairedShare: Statistics.median(shares))
  }
}
