import HeadKV
import HeadKVMath

/// What a policy does in a step beside attention: appending the new row, profiling, scoring,
/// choosing rows to go or merging them, and its share of the revision of budgets, in the mean over
/// a whole picture of random keys and values. Under `full` that is appending alone.
final class EvictionPart: BenchPart {
  let label: PartLabel
  private let policy: CachePolicy
  private let sequences: Int
  private let pool: WorkerPool
  private let numbers: AlignedBuffer<Float>
  private let plans: PlanStore

  init(
    _ preset: GPTPreset, grid: Int, batch: Int, policy name: String, budget: BudgetText,
    element: CacheElement, pool: WorkerPool
  ) throws {
    let setting = DecodeSetting(
      shape: preset, grid: grid, precision: .auto, batch: batch, policy: name, budget: budget,
      element: element)
    var label = PartLabel("eviction", unit: "step")
    label.set(preset, nil, batch)
    label.grid = grid
    label.policy = name
    label.budget = budget.text
    label.element = element.rawValue
    self.label = label
    self.pool = pool
    policy = try setting.makePolicy()
    sequences = setting.sequences
    let shape = policy.shape
    numbers = AlignedBuffer(count: 1 << 16, repeating: 0)
    let (base, count) = unsafe (numbers.base, numbers.count)
    unsafe RandomFill(base: base, count: count).perform(0)
    // Softmax weights are not negative.
    for index in 0..<count / 2 { unsafe base[index] += 0.051 }
    plans = PlanStore(count: pool.threads, rows: shape.fullRows)
  }

  var bytesPerUnit: Int? { nil }

  func run() -> Double {
    let shape = policy.shape
    let sessions = (0..<sequences).map { _ in CacheSession(policy) }
    var spent = Duration.zero
    for step in -1..<shape.grid.count - 1 {
      let start = ContinuousClock.now
      for session in sessions { session.openStep(rows: 1, isPrefix: step < 0) }
      for layer in 0..<shape.layers {
        let work = unsafe EvictionWork(
          sessions: sessions, layer: layer, step: step, shape: shape, numbers: numbers.base,
          plans: plans)
        pool.run(tasks: sequences * shape.heads, work)
      }
      CacheSession.finishStep(of: sequences, pool: pool) { sessions[$0] }
      if step >= 0 { spent += ContinuousClock.now - start }
    }
    return Statistics.milliseconds(spent) / Double(shape.grid.count - 1)
  }
}

/// A head of a sequence a task: append, then what the policy does after attention.
@safe
private struct EvictionWork: WorkerWork {
  let sessions: [CacheSession]
  let layer: Int
  let step: Int
  let shape: SequenceShape
  let numbers: UnsafeMutablePointer<Float>
  let plans: PlanStore

  func perform(_ task: Int, worker: Int) {
    let session = sessions[task / shape.heads]
    let head = task % shape.heads
    // Different rows for every head and step, far enough from the end for a key and a value.
    let place = ((step + 1) * 977 + task * 131 + layer * 4099) % (1 << 14) + (1 << 15)
    let key = unsafe UnsafePointer(numbers + place)
    let rows = unsafe session.rows(layer: layer, head: head)
    if session.wantsQueries { unsafe session.asked(layer: layer, head: head, index: 0, key + 64) }
    unsafe rows.append(
      key: key, value: key + shape.headDimension,
      CacheRow(position: Int32(step), birth: session.steps))
    unsafe session.attended(
      layer: layer, head: head, weights: UnsafePointer(numbers + task % 1024), twinWeights: nil,
      queries: 1, plan: &plans.plan(worker).pointee)
  }
}
