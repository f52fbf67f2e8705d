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
    var pair = (slot: -1, partner: -1)
    plan.withScratch(columns: 2, of: head.count) { costs in
      for slot in step.prefixRows..<head.count where head.birth(slot) < kept {
        if head.score(slot) <= 0 { enter(slot, head, step, kept, &costs) }
      }
      pair = cheapest(head, step, kept, &costs)
    }
    // A single row beside the window has no partner: the oldest goes.
    guard pair.partner >= 0 else { return }
    // The lighter row goes, so that the heavier keeps its place on the grid.
    let isLighter = head.bias(pair.slot) <= head.bias(pair.partner)
    let (goes, stays) = isLighter ? pair : (pair.partner, pair.slot)
    head.setScore(goes, 0)
    // Unknown: scores are added when rows are merged, and this one changes.
    head.setScore(stays, -1)
    plan.merge(slot: goes, into: stays)
  }

  /// Finds the score of a row that is new beside the others, and lowers theirs where it is cheaper.
  private func enter(
    _ slot: Int, _ head: HeadView, _ step: HeadStep, _ kept: Int32,
    _ costs: inout MutableSpan<Float>
  ) {
    head.mergeCosts(slot, step, before: kept, into: &costs)
    // A score of 0 would mean that nothing is known.
    var least = Float.greatestFiniteMagnitude
    for other in step.prefixRows..<head.count where costs[other] < .infinity {
      let cost = max(costs[other], .leastNormalMagnitude)
      least = min(least, cost)
      if head.score(other) > cost { head.setScore(other, cost) }
    }
    head.setScore(slot, least)
  }

  /// The pair with the least cost; the first on ties.
  private func cheapest(
    _ head: HeadView, _ step: HeadStep, _ kept: Int32, _ costs: inout MutableSpan<Float>
  ) -> (slot: Int, partner: Int) {
    while true {
      var lowest = -1
      for slot in step.prefixRows..<head.count where head.birth(slot) < kept {
        if lowest < 0 || head.score(slot) < head.score(lowest) { lowest = slot }
      }
      guard lowest >= 0 else { return (-1, -1) }
      head.mergeCosts(lowest, step, before: kept, into: &costs)
      var partner = -1
      for other in step.prefixRows..<head.count where costs[other] < .infinity {
        if partner < 0 || costs[other] < costs[partner] { partner = other }
      }
      guard partner >= 0 else { return (lowest, -1) }
      let cost = max(costs[partner], .leastNormalMagnitude)
      if cost <= head.score(lowest) { return (lowest, partner) }
      head.setScore(lowest, cost)
    }
  }
}
