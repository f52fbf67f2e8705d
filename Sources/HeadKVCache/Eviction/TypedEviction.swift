/// One rule for local heads and another for global ones.
public struct TypedEviction: EvictionRule {
  public let local: any EvictionRule
  public let global: any EvictionRule

  /// - Precondition: the local rule keeps no scores, which belong to the global one: types are not
  ///   known from the start.
  public init(local: any EvictionRule = WindowEviction(), global: any EvictionRule) {
    self.local = local
    self.global = global
  }

  public func observe(_ head: HeadView, _ step: HeadStep) { global.observe(head, step) }

  public func plan(
    surplus: Int, _ budget: HeadBudget, _ head: HeadView, _ step: HeadStep,
    into plan: inout EvictionPlan
  ) {
    switch budget.type {
    case .local: local.plan(surplus: surplus, budget, head, step, into: &plan)
    case .global: global.plan(surplus: surplus, budget, head, step, into: &plan)
    }
  }
}
