/// Older rows are thinned out evenly over the picture.
///
/// Of the rows that have left the window, the two that lie closest together on the grid are found,
/// and the older one goes; ties go to the older pair.
public struct SpatialStrataEviction: EvictionRule, Hashable {
  public init() {}

  /// - Complexity: O(surplus * m^2) for m rows older than the window.
  public func plan(
    surplus: Int, _ budget: HeadBudget, _ head: HeadView, _ step: HeadStep,
    into plan: inout EvictionPlan
  ) {
    let kept = head.firstKeptBirth(window: budget.window, step)
    // The score of a row is its mark within this call: 1 for a row that goes.
    head.clearScores()
    for _ in 0..<surplus {
      var closest = Int32.max
      var found = -1
      for slot in step.prefixRows..<head.count
      where head.birth(slot) < kept && head.score(slot) == 0 {
        for other in step.prefixRows..<head.count
        where head.birth(other) > head.birth(slot) && head.birth(other) < kept
          && head.score(other) == 0
        {
          let distance = step.grid.squaredDistance(head.position(slot), head.position(other))
          if distance < closest
            || (distance == closest && head.birth(slot) < head.birth(found))
          {
            closest = distance
            found = slot
          }
        }
      }
      // With a single row beside the window there is no pair, and the oldest row goes.
      guard found >= 0 else { return }
      head.setScore(found, 1)
      plan.evict(slot: found)
    }
  }
}
