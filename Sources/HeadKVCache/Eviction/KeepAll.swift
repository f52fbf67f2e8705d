/// Lets no row go: for budgets that cover the whole cache.
public struct KeepAll: EvictionRule, Hashable {
  public init() {}

  public func plan(
    surplus: Int, _ budget: HeadBudget, _ head: HeadView, _ step: HeadStep,
    into plan: inout EvictionPlan
  ) {}
}
