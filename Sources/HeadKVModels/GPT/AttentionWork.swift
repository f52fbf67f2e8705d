import HeadKVCache
import HeadKVMath

/// Attention of one layer, one head of one sequence a task: rotate, append, attend, evict. Of two
/// branches that share plans, both.
struct AttentionWork: ParallelWork {
  let engine: DecodeEngine
  let layer: Int
  let heads: Int

  func perform(_ task: Int) {
    let scratch = engine.scratch
    let unit = scratch.units[task / heads]
    let head = task % heads
    let weights = unsafe attend(unit.group, head)
    let twinWeights = unsafe unit.twin < 0 ? nil : attend(unit.twin, head)
    unsafe engine.session(group: unit.group).attended(
      layer: layer, head: head, weights: weights, twinWeights: twinWeights,
      queries: scratch.groups[unit.group].rows, plan: &scratch.plans.plan(task).pointee)
  }

  /// Returns the softmax weights `[queries, rows]`.
  private func attend(_ groupIndex: Int, _ head: Int) -> UnsafePointer<Float> {
    let scratch = engine.scratch
    let group = scratch.groups[groupIndex]
    let session = engine.session(group: groupIndex)
    let rows = unsafe session.rows(layer: layer, head: head)
    let size = engine.shape.headDimension
    let width = heads * size

    for index in group.firstRow..<group.firstRow + group.rows {
      let query = unsafe scratch.queryKeyValue.row(index) + head * size
      let key = unsafe query + width
      let position = scratch.positions[index]
      unsafe rotate(query, key, to: position, size)
      if session.wantsQueries {
        unsafe session.asked(layer: layer, head: head, index: index - group.firstRow, query)
      }
      unsafe rows.append(
        key: key, value: key + width, CacheRow(position: position, birth: session.steps))
    }

    let live = unsafe rows.count
    let weights = unsafe scratch.weights(group, head: head)
    let scale = 1 / Float(size).squareRoot()
    for index in 0..<group.rows {
      let row = group.firstRow + index
      unsafe rows.attend(
        query: scratch.queryKeyValue.row(row) + head * size, scale: scale,
        weights: weights + index * live, out: scratch.attended.row(row) + head * size)
    }
    return unsafe UnsafePointer(weights)
  }

  private func rotate(
    _ query: UnsafeMutablePointer<Float>, _ key: UnsafeMutablePointer<Float>, to position: Int32,
    _ size: Int
  ) {
    if position < 0 {
      unsafe query.update(repeating: 0, count: size)
      unsafe key.update(repeating: 0, count: size)
      return
    }
    let turn = unsafe engine.model.rotary.row(Int(position))
    unsafe Kernels.rotatePairs(query, cosSin: turn, pairs: size / 2)
    unsafe Kernels.rotatePairs(key, cosSin: turn, pairs: size / 2)
  }
}

/// The gated feed-forward layer, a range of hidden columns a task.
@unsafe
struct FeedForwardWork: ParallelWork {
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

  func perform(_ task: Int) {
    let range = unsafe task * columns..<min((task + 1) * columns, gate.columns)
    unsafe layer.gate.columns(range, of: input, into: gate, accumulate: false)
    unsafe layer.up.columns(range, of: input, into: up, accumulate: false)
    for row in 0..<(unsafe gate.rows) {
      unsafe Kernels.siluMultiply(
        gate.row(row) + range.lowerBound, up: up.row(row) + range.lowerBound, count: range.count)
    }
  }
}
