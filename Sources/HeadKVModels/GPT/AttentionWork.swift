import HeadKVCache
import HeadKVMath

/// Attention of one layer, one head of one sequence a task: rotate, append, attend, evict. Of two
/// branches that share plans, both.
///
/// Sessions are borrowed from the engine: counting references to what all threads use would have
/// them wait for each other.
@unsafe
struct AttentionWork: WorkerWork {
  private let sessions: UnsafePointer<Unmanaged<CacheSession>?>
  private let groups: UnsafePointer<StepGroup>
  private let units: UnsafePointer<AttentionUnit>
  private let positions: UnsafePointer<Int32>
  private let queryKeyValue: FloatMatrix
  private let attended: FloatMatrix
  private let scratch: Unmanaged<AttentionScratch>
  private let rotary: FloatMatrix
  private let layer: Int
  private let heads: Int
  private let size: Int

  /// - Precondition: the engine has opened a step, and lives while this does.
  init(_ engine: DecodeEngine, layer: Int) {
    let scratch = engine.scratch
    unsafe sessions = UnsafePointer(scratch.sessions)
    unsafe groups = UnsafePointer(scratch.groups)
    unsafe units = UnsafePointer(scratch.units)
    unsafe positions = UnsafePointer(scratch.positions)
    unsafe queryKeyValue = scratch.queryKeyValue
    unsafe attended = scratch.attended
    unsafe self.scratch = .passUnretained(scratch.attention)
    unsafe rotary = engine.model.rotary.rows
    unsafe self.layer = layer
    unsafe heads = engine.shape.heads
    unsafe size = engine.shape.headDimension
  }

  func perform(_ task: Int, worker: Int) {
    let unit = unsafe units[task / heads]
    let head = unsafe task % heads
    unsafe scratch._withUnsafeGuaranteedRef { scratch in
      let weights = unsafe scratch.weights(worker: worker, branch: 0)
      unsafe attend(unit.group, head, weights)
      var twinWeights: UnsafePointer<Float>?
      if unit.twin >= 0 {
        let weights = unsafe scratch.weights(worker: worker, branch: 1)
        unsafe attend(unit.twin, head, weights)
        unsafe twinWeights = UnsafePointer(weights)
      }
      unsafe sessions[unit.group]!._withUnsafeGuaranteedRef { session in
        unsafe session.attended(
          layer: layer, head: head, weights: weights, twinWeights: twinWeights,
          queries: groups[unit.group].rows, plan: &scratch.plan(worker: worker).pointee)
      }
    }
  }

  /// Puts the softmax weights `[queries, rows]` into `weights`.
  private func attend(_ group: Int, _ head: Int, _ weights: UnsafeMutablePointer<Float>) {
    unsafe sessions[group]!._withUnsafeGuaranteedRef { session in
      unsafe attend(groups[group], head, session, weights)
    }
  }

  private func attend(
    _ group: StepGroup, _ head: Int, _ session: CacheSession,
    _ weights: UnsafeMutablePointer<Float>
  ) {
    let rows = unsafe session.rows(layer: layer, head: head)
    if session.evicts { unsafe rows.prefetchColumns() }
    let width = unsafe heads * size
    let wantsQueries = session.wantsQueries
    for index in group.firstRow..<group.firstRow + group.rows {
      let query = unsafe queryKeyValue.row(index) + head * size
      let key = unsafe query + width
      let position = unsafe positions[index]
      unsafe rotate(query, key, to: position)
      if wantsQueries {
        unsafe session.asked(layer: layer, head: head, index: index - group.firstRow, query)
      }
      unsafe rows.append(
        key: key, value: key + width, CacheRow(position: position, birth: session.steps))
    }

    let live = unsafe rows.count
    let scale = unsafe 1 / Float(size).squareRoot()
    for index in 0..<group.rows {
      let row = group.firstRow + index
      unsafe rows.attend(
        query: queryKeyValue.row(row) + head * size, scale: scale,
        weights: weights + index * live, out: attended.row(row) + head * size)
    }
  }

  private func rotate(
    _ query: UnsafeMutablePointer<Float>, _ key: UnsafeMutablePointer<Float>, to position: Int32
  ) {
    if position < 0 {
      unsafe query.update(repeating: 0, count: size)
      unsafe key.update(repeating: 0, count: size)
      return
    }
    unsafe precondition(position < rotary.rows, "position outside the grid")
    let turn = unsafe rotary.row(Int(position))
    unsafe Kernels.rotatePairs(query, cosSin: turn, pairs: size / 2)
    unsafe Kernels.rotatePairs(key, cosSin: turn, pairs: size / 2)
  }
}

/// The gated feed-forward layer, a range of hidden columns a task.
@unsafe
struct FeedForwardWork: WorkerWork {
  let layer: GPT.Layer
  let input: LinearInput
  let gate: FloatMatrix
  let up: FloatMatrix
  let columns: Int

  static func run(
    _ layer: GPT.Layer, _ input: FloatMatrix, gate: FloatMatrix, up: FloatMatrix,
    scratch: LinearScratch, pool: WorkerPool
  ) {
    let hidden = unsafe gate.columns
    // Four tasks a thread even out the load; tasks start on a cache line of the output.
    let unit = max(layer.gate.granularity, 16)
    let columns = max((hidden / (pool.threads * 4) + unit - 1) / unit * unit, unit)
    let input = unsafe scratch.prepare(input, for: layer.gate, pool: pool)
    unsafe pool.run(
      tasks: (hidden + columns - 1) / columns,
      FeedForwardWork(layer: layer, input: input, gate: gate, up: up, columns: columns))
  }

  func perform(_ task: Int, worker: Int) {
    let range = unsafe task * columns..<min((task + 1) * columns, gate.columns)
    unsafe layer.gate.columns(range, of: input, into: gate, accumulate: false, worker: worker)
    unsafe layer.up.columns(range, of: input, into: up, accumulate: false, worker: worker)
    for row in 0..<(unsafe gate.rows) {
      unsafe Kernels.siluMultiply(
        gate.row(row) + range.lowerBound, up: up.row(row) + range.lowerBound, count: range.count)
    }
  }
}
