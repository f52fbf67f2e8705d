/// The rows go that the last line of the picture looked at least; its first tokens stay as anchors.
///
/// After LineAR (Qin et al., arXiv 2512.04857), which decides line by line. A row's score is its
/// mean weight over the queries since the last update. Anchors that leave fewer than half of the
/// rows beside prefix and window to choose from are given up, the last first.
public struct LineEviction: EvictionRule, Hashable {
  /// First tokens of the picture that stay.
  public let anchors: Int

  /// - Precondition: `anchors` is not negative.
  public init(anchors: Int = 8) {
    precondition(anchors >= 0, "negative anchors")
    self.anchors = anchors
  }

  public func observe(_ head: HeadView, _ step: HeadStep) {
    if step.startsPeriod { head.clearScores() }
    head.addWeightsToScores()
  }

  /// - Complexity: O(surplus * count).
  public func plan(
    surplus: Int, _ budget: HeadBudget, _ head: HeadView, _ step: HeadStep,
    into plan: inout EvictionPlan
  ) {
    let free = budget.rows - step.prefixRows - budget.window
    let firstFree = Int32(step.prefixRows + min(anchors, max(free, 0) / 2))
    plan.rank(head, step, keeping: budget.window) {
      head.birth($0) < firstFree ? .infinity : head.score($0)
    }
    plan.evictLowest(surplus)
  }
}
