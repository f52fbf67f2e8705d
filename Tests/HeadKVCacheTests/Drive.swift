import HeadKVMath

@testable import HeadKVCache

extension CacheSession {
  /// Runs one step of one row for every head: appends a row and gives the weights that `logits`
  /// says, softmax over the live rows; even ones by default.
  ///
  /// The first `shape.prefixRows` steps make the prefix.
  func advance(
    _ shape: SequenceShape, step: Int, position: Int32? = nil,
    key: (_ layer: Int, _ head: Int) -> [Float]? = { _, _ in nil },
    logits: (_ layer: Int, _ head: Int, _ row: CacheRow) -> Float = { _, _, _ in 0 }
  ) {
    let isPrefix = step < shape.prefixRows
    openStep(rows: 1, isPrefix: isPrefix)
    var plan = EvictionPlan(reserving: shape.fullRows)
    for layer in 0..<shape.layers {
      for head in 0..<shape.heads {
        let element =
          key(layer, head) ?? [Float](repeating: Float(steps), count: shape.headDimension)
        let rows = unsafe rows(layer: layer, head: head)
        let place = isPrefix ? -1 : position ?? Int32(step - shape.prefixRows)
        unsafe rows.append(
          key: element, value: element, CacheRow(position: place, birth: steps))
        var weights = (0..<(unsafe rows.count)).map {
          let row = row(layer: layer, head: head, slot: $0)
          return logits(layer, head, row) + row.bias
        }
        unsafe Kernels.softmax(&weights, count: weights.count)
        unsafe attended(
          layer: layer, head: head, weights: weights, twinWeights: nil, queries: 1, plan: &plan)
      }
    }
    finishStep()
  }
}
