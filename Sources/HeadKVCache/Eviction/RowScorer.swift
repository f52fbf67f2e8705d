/// An eviction rule that rates rows: those that rate lowest go.
///
/// What a rule remembers of a row from step to step is the row's running score
/// (``HeadView/score(_:)``), which ``EvictionRule/observe(_:_:)`` keeps up to date; by default it is
/// the rating, too.
public protocol RowScorer: EvictionRule {
  /// How much the row in `slot` is worth keeping; what is no number is worth least.
  ///
  /// Not asked of the prefix and of the newest rows, which stay. May not allocate.
  func rating(_ slot: Int, _ head: HeadView, _ step: HeadStep) -> Float
}

extension RowScorer {
  public func rating(_ slot: Int, _ head: HeadView, _ step: HeadStep) -> Float { head.score(slot) }

  /// Names the rows that rate lowest, the first on ties.
  ///
  /// - Complexity: O(surplus * count) and a rating of each row.
  public func plan(
    surplus: Int, _ budget: HeadBudget, _ head: HeadView, _ step: HeadStep,
    into plan: inout EvictionPlan
  ) {
    plan.rank(head, step, keeping: budget.window) { rating($0, head, step) }
    plan.evictLowest(surplus)
  }
}
