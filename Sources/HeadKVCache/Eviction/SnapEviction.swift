/// The rows go whose neighbourhoods the latest queries looked at least.
///
/// SnapKV (Li et al., "SnapKV: LLM Knows What You are Looking for Before Generation", arXiv
/// 2404.14469): a row's importance is its mean weight over the queries of an observation window,
/// averaged with the rows at most half a kernel away in the order of tokens.
public struct SnapEviction: EvictionRule, Hashable {
  /// Newest queries before an update that count, at most those since the last one.
  public let observation: Int
  /// Positions that are averaged: odd.
  public let kernel: Int

  /// - Precondition: both are positive, `kernel` is odd.
  public init(observation: Int, kernel: Int = 5) {
    precondition(observation > 0 && kernel > 0 && kernel % 2 == 1, "an odd kernel")
    self.observation = observation
    self.kernel = kernel
  }

  public func observe(_ head: HeadView, _ step: HeadStep) {
    if step.startsPeriod { head.clearScores() }
    if step.untilUpdate < observation { head.addWeightsToScores() }
  }

  /// - Complexity: O(count * (surplus + count)).
  public func plan(
    surplus: Int, _ budget: HeadBudget, _ head: HeadView, _ step: HeadStep,
    into plan: inout EvictionPlan
  ) {
    plan.rank(head, step, keeping: budget.window) { pooled($0, head, step) }
    plan.evictLowest(surplus)
  }

  private func pooled(_ slot: Int, _ head: HeadView, _ step: HeadStep) -> Float {
    let (place, radius) = (head.position(slot), Int32(kernel / 2))
    var sum: Float = 0
    var count: Float = 0
    for other in step.prefixRows..<head.count
    where abs(head.position(other) - place) <= radius {
      sum += head.score(other)
      count += 1
    }
    return sum / count
  }
}
