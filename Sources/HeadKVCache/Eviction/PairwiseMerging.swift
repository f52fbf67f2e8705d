/// Of the rows older than the window, the two whose merging changes the head's output least become
/// one.
///
/// Rows with counts c1, c2, keys k1, k2 and values v1, v2 become their average with count c1 + c2.
/// To first order a query q then misses (c1 c2 / (c1 + c2)) exp(q.k) (q.(k1 - k2)) (v1 - v2): nothing
/// if the keys agree, and nothing if the values do. The rule takes the pair with the least
/// (c1 c2 / (c1 + c2))^2 |k1 - k2|^2 |v1 - v2|^2, which needs no attention weights.
///
/// A row's score is a lower bound of the cost of its cheapest merge: costs of pairs that are gone
/// count, too. So the row with the lowest score is looked at again until its score is its cost,
/// and a step takes O(m * headDimension) for m rows instead of O(m^2 * headDimension).
public struct PairwiseMerging: EvictionRule, Hashable {
  public init() {}

  public var mostPerPlan: Int { 1 }

  public func plan(
    surplus: Int, _ budget: HeadBudget, _ head: HeadView, _ step: HeadStep,
    into plan: inout EvictionPlan
  ) {
    let kept = head.firstKeptBirth(window: budget.window, step)
    var lowest = -1
    for slot in step.prefixRows..<head.count where head.birth(slot) < kept {
      if head.score(slot) <= 0 { enter(slot, head, step, kept) }
    }
    var cost: Float = 0
    var partner = -1
    while true {
      var best = Float.infinity
      lowest = -1
      for slot in step.prefixRows..<head.count where head.birth(slot) < kept {
        if head.score(slot) < best {
          best = head.score(slot)
          lowest = slot
        }
      }
      // A single row beside the window has no partner: the oldest goes.
      guard lowest >= 0 else { return }
      (cost, partner) = cheapest(lowest, head, step, kept)
      guard partner >= 0 else { return }
      if cost <= best { break }
      head.setScore(lowest, cost)
    }
    // The lighter row goes, so that the heavier keeps its place on the grid.
    let goes = head.bias(lowest) > head.bias(partner) ? partner : lowest
    let stays = goes == lowest ? partner : lowest
    head.setScore(goes, 0)
    // Unknown: scores are added when rows are merged, and this one changes.
    head.setScore(stays, -1)
    plan.merge(slot: goes, into: stays)
  }

  /// Finds the score of a row that is new beside the others, and lowers theirs where it is cheaper.
  private func enter(_ slot: Int, _ head: HeadView, _ step: HeadStep, _ kept: Int32) {
    var least = Float.greatestFiniteMagnitude
    for other in step.prefixRows..<head.count where other != slot && head.birth(other) < kept {
      let cost = head.mergeCost(slot, other)
      least = min(least, cost)
      if head.score(other) > cost { head.setScore(other, cost) }
    }
    head.setScore(slot, least)
  }

  private func cheapest(
    _ slot: Int, _ head: HeadView, _ step: HeadStep, _ kept: Int32
  ) -> (cost: Float, partner: Int) {
    var best = (cost: Float.infinity, partner: -1)
    for other in step.prefixRows..<head.count where other != slot && head.birth(other) < kept {
      let cost = head.mergeCost(slot, other)
      if cost < best.cost { best = (cost, other) }
    }
    return best
  }
}
