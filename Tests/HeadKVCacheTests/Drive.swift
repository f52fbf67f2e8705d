import HeadKVCache
import HeadKVMath

extension CacheSession {
  /// Runs one step for every head: appends rows and gives the weights that `logits` says, softmax
  /// over the live rows; even ones by default.
  ///
  /// The first `shape.prefixRows` steps make the prefix, a row each.
  func advance(
    _ shape: SequenceShape, step: Int, rows newRows: Int = 1,
    logits: (_ layer: Int, _ head: Int, _ row: CacheRow) -> Float = { _, _, _ in 0 },
    key: (_ layer: Int, _ head: Int) -> [Float]? = { _, _ in nil }
  ) {
    let isPrefix = step < shape.prefixRows
    openStep(rows: newRows, isPrefix: isPrefix)
    var plan = EvictionPlan(reserving: shape.fullRows)
    for layer in 0..<shape.layers {
      for head in 0..<shape.heads {
        let rows = unsafe rows(layer: layer, head: head)
        let element =
          key(layer, head) ?? [Float](repeating: Float(steps), count: shape.headDimension)
        for row in 0..<newRows {
          if wantsQueries { unsafe asked(layer: layer, head: head, index: row, element) }
          unsafe rows.append(
            key: element, value: element,
            CacheRow(position: isPrefix ? -1 : Int32(tokens + row), birth: steps))
        }
        var weights = (0..<(unsafe rows.count)).map {
          let row = row(layer: layer, head: head, slot: $0)
          return logits(layer, head, row) + row.bias
        }
        unsafe Kernels.softmax(&weights, count: weights.count)
        let all = (0..<newRows).flatMap { _ in weights }
        unsafe attended(
          layer: layer, head: head, weights: all, twinWeights: nil, queries: newRows, plan: &plan)
      }
    }
    finishStep()
    notifyObservers()
  }
}
