import Foundation
import HeadKV
import HeadKVMath

/// One combination to be timed: a model, a number of guided images, a cache budget.
struct DecodeCase {
  let model: GPT
  let images: Int
  let policyName: String
  let budget: String
  let steps: Int
  private let policy: CachePolicy

  init(
    _ model: GPT, images: Int, policy name: String, budget: String,
    steps: Int
  ) throws {
    policyName = name
    self.model = model
    self.images = images
    self.budget = budget
    let all = model.configuration.grid.count - 1
    self.steps = steps == 0 ? all : min(steps, all)
    policy = try PolicyCatalog.make(
      name, budget: CacheBudget(parsing: budget), shape: model.configuration.sequenceShape)
  }

  /// Draws the first steps of the images; milliseconds a step.
  func run(_ pool: WorkerPool) -> Double {
    let sequences = images * 2
    let engine = DecodeEngine(model: model, policy: policy, sequences: sequences, pool: pool)
    for index in 0..<sequences {
      // The classes are the model's own, so beginning cannot fail.
      try! engine.begin(index, condition: .category(index % 1000))
    }
    var rows = (0..<sequences).map { StepRow(sequence: $0, token: 0, position: 0) }
    let start = ContinuousClock.now
    for step in 0..<steps {
      for index in rows.indices {
        rows[index].token = Int32((step * 7919 + index % images * 104_729) % 16384)
        rows[index].position = Int32(step)
      }
      engine.step(rows)
    }
    return Double((ContinuousClock.now - start) / .microseconds(1)) / 1000 / Double(steps)
  }

  func result(_ times: [Double], bandwidth: Double) -> DecodeResult {
    let sorted = times.sorted()
    let median = sorted[sorted.count / 2]
    let shape = model.configuration.sequenceShape
    let kept = policy.budgeter.mostRows(shape) / shape.allHeads
    // Mean live rows over the steps: they grow to what is kept and stay there.
    let live = (1...steps).reduce(0.0) { $0 + Double(min($1 + 1, kept + 1)) } / Double(steps)
    let cache = live * Double(shape.layers * shape.heads * shape.headDimension * 2 * 4 * images * 2)
    let bytes = Double(model.weightBytesPerStep) + cache
    return DecodeResult(
      precision: model.precision.rawValue, images: images, policy: policyName, budget: budget,
      milliseconds: median,
      fastest: sorted[0], slowest: sorted[sorted.count - 1],
      tokensPerSecond: 1000 / median * Double(images), megabytesRead: bytes / 1e6,
      bandwidthShare: bytes / (median / 1000) / bandwidth,
      cacheBytes: policy.memory.capBytes * images * 2)
  }
}

/// What was measured of a combination.
struct DecodeResult: Encodable {
  let precision: String
  let images: Int
  let policy: String
  let budget: String
  /// Median, least and most over the rounds, of one step.
  let milliseconds: Double
  let fastest: Double
  let slowest: Double
  let tokensPerSecond: Double
  /// Weights and live rows that a step reads, on average.
  let megabytesRead: Double
  /// Share of the measured read bandwidth that this comes to.
  let bandwidthShare: Double
  let cacheBytes: Int
}
