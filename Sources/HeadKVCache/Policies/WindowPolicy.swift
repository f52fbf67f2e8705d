/// Keeps the prefix and the newest rows, the same number in each head.
///
/// The cache of StreamingLLM (Xiao et al., "Efficient Streaming Language Models with Attention
/// Sinks", arXiv 2309.17453) with the prefix as its sink. A new row attends before the oldest one
/// leaves, so a slab has room for one step more than `rows`.
public struct WindowPolicy: EvictionPolicy, Hashable {
  /// Rows a head keeps after each step, prefix included.
  public let rows: Int

  /// - Precondition: `rows` is positive.
  public init(rows: Int) {
    precondition(rows > 0, "a window holds at least one row")
    self.rows = rows
  }

  public func capacity(layer: Int, head: Int, shape: SequenceShape) -> Int {
    rows + shape.rowsPerStep
  }

  public func plan(
    _ step: HeadStep, positions: Span<Int32>, births: Span<Int32>, biases: Span<Float>,
    weights: Span<Float>, scores: inout MutableSpan<Float>, into plan: inout EvictionPlan
  ) {
    let surplus = min(births.count - rows, births.count - step.prefixRows)
    guard surplus > 0 else { return }
    // The oldest rows in order of age. The surplus is one row in steady state.
    var floor = Int64.min
    for _ in 0..<surplus {
      var oldest = Int64.max
      var slot = -1
      for index in step.prefixRows..<births.count {
        // Rows of one step share their birth: the slot breaks the tie.
        let age = Int64(births[index]) << 32 | Int64(index)
        if age > floor && age < oldest {
          oldest = age
          slot = index
        }
      }
      plan.evict(slot: slot)
      floor = oldest
    }
  }
}
