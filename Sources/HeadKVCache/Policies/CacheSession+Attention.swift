import HeadKVMath

/// A step of a model of one's own, on the calling thread: ``startStep(positions:)``, then
/// ``attend(layer:queries:keys:values:into:)`` for each layer, then ``endStep()``.
///
/// Sessions of different sequences may be stepped on different threads at the same time.
extension CacheSession {
  /// Starts a step that appends a row for each of `positions` to every head.
  ///
  /// Allocates on the first call only.
  /// - Parameter positions: cells of the grid, counted line by line; negative for all rows of a step
  ///   of the prefix. Tokens may come in any order.
  /// - Precondition: between one and `shape.rowsPerStep` rows, on the grid; the prefix comes first
  ///   and makes no more than `shape.prefixRows`; no step is open.
  public func startStep(positions: Span<Int32>) {
    let isPrefix = !positions.isEmpty && positions[0] < 0
    for index in positions.indices {
      precondition(
        (positions[index] < 0) == isPrefix && Int(positions[index]) < shape.grid.count,
        "the rows of a step are of the prefix, or on the grid")
    }
    let scratch = stepScratch ?? StepScratch(shape)
    stepScratch = scratch
    precondition(scratch.nextLayer == shape.layers, "a step is still open")
    openStep(rows: positions.count, isPrefix: isPrefix)
    for index in positions.indices { scratch.positions[index] = positions[index] }
    scratch.nextLayer = 0
  }

  /// Appends the step's rows to a layer's heads, attends over all that is live, and lets the policy
  /// look at the weights and evict.
  ///
  /// The rows of a step see each other. Allocates nothing.
  /// - Parameters:
  ///   - queries: `[rows, heads, headDimension]`, after any positional encoding; likewise `keys` and
  ///     `values`.
  ///   - output: softmax(q k^T / sqrt(headDimension)) v, of the same shape.
  /// - Precondition: a step is open, layers come in their order, and sizes fit; the session shares no
  ///   plans with another branch.
  /// - Complexity: O(rows * live rows * headDimension) for each head, and the policy's work.
  public func attend(
    layer: Int, queries: Span<Float>, keys: Span<Float>, values: Span<Float>,
    into output: inout MutableSpan<Float>
  ) {
    guard let scratch = stepScratch, layer == scratch.nextLayer, layer < shape.layers else {
      preconditionFailure("a step is open, and its layers come in their order")
    }
    precondition(sharing == nil && !isFollower, "branches that share plans step together")
    let (rows, size) = (newRows, shape.headDimension)
    let width = shape.heads * size
    precondition(
      queries.count == rows * width && keys.count == queries.count
        && values.count == queries.count && output.count == queries.count,
      "a layer takes the queries, keys and values of all its heads")
    scratch.nextLayer += 1
    unsafe queries.withUnsafeBufferPointer { queries in
      unsafe keys.withUnsafeBufferPointer { keys in
        unsafe values.withUnsafeBufferPointer { values in
          unsafe output.withUnsafeMutableBufferPointer { output in
            for head in 0..<shape.heads {
              unsafe attend(
                layer, head, scratch, queries.baseAddress! + head * size,
                keys.baseAddress! + head * size, values.baseAddress! + head * size,
                output.baseAddress! + head * size)
            }
          }
        }
      }
    }
  }

  private func attend(
    _ layer: Int, _ head: Int, _ scratch: StepScratch, _ queries: UnsafePointer<Float>,
    _ keys: UnsafePointer<Float>, _ values: UnsafePointer<Float>,
    _ output: UnsafeMutablePointer<Float>
  ) {
    let rows = unsafe rows(layer: layer, head: head)
    let size = shape.headDimension
    let stride = shape.heads * size
    for row in 0..<newRows {
      if wantsQueries {
        unsafe asked(layer: layer, head: head, index: row, queries + row * stride)
      }
      unsafe rows.append(
        key: keys + row * stride, value: values + row * stride,
        CacheRow(position: scratch.positions[row], birth: steps))
    }
    let live = unsafe rows.count
    let scale = 1 / Float(size).squareRoot()
    for row in 0..<newRows {
      unsafe rows.attend(
        query: queries + row * stride, scale: scale, weights: scratch.weights.base + row * live,
        out: output + row * stride)
    }
    unsafe attended(
      layer: layer, head: head, weights: scratch.weights.base, twinWeights: nil, queries: newRows,
      plan: &scratch.plan)
  }

  /// Ends the step: budgets are revised if that is due, and observers are told.
  ///
  /// - Precondition: every layer has attended.
  public func endStep() {
    precondition(stepScratch?.nextLayer == shape.layers, "every layer attends before a step ends")
    finishStep()
    notifyObservers()
  }
}

/// What ``CacheSession/attend(layer:queries:keys:values:into:)`` works in.
@safe
final class StepScratch: @unchecked Sendable {
  var positions: [Int32]
  /// The layer that attends next; all have between steps.
  var nextLayer: Int
  let weights: AlignedBuffer<Float>
  var plan: EvictionPlan

  init(_ shape: SequenceShape) {
    positions = Array(repeating: 0, count: shape.rowsPerStep)
    nextLayer = shape.layers
    weights = AlignedBuffer(
      count: shape.rowsPerStep * (shape.fullRows + shape.rowsPerStep), repeating: 0)
    plan = EvictionPlan(reserving: shape.fullRows)
  }
}
