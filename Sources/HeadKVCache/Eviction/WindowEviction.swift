/// The oldest rows go.
///
/// The cache of StreamingLLM (Xiao et al., "Efficient Streaming Language Models with Attention
/// Sinks", arXiv 2309.17453) with the prefix as its sink.
public struct WindowEviction: EvictionRule, Hashable {
  public init() {}

  /// - Complexity: O(surplus * count).
  public func plan(
    surplus: Int, _ budget: HeadBudget, _ head: HeadView, _ step: HeadStep,
    into plan: inout EvictionPlan
  ) {
    // The oldest rows in order of age. The surplus is one row in steady state.
    var floor = Int64.min
    for _ in 0..<surplus {
      var oldest = Int64.max
      var slot = -1
      for index in step.prefixRows..<head.count {
        // Rows of one step share their birth: the slot breaks the tie.
        let age = Int64(head.birth(index)) << 32 | Int64(index)
        if age > floor && age < oldest {
          oldest = age
          slot = index
        }
      }
      guard slot >= 0 else { return }
      plan.evict(slot: slot)
      floor = oldest
    }
  }
}
