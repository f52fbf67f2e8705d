/// Rows in proportion to a head's normalised attention entropy, above a common floor.
public struct EntropyBudget: BudgetRule, Hashable {
  public let window: WindowSize
  public let scope: BudgetScope
  /// Power to which entropies are raised: 0 is uniform, larger ones tell heads further apart.
  public let exponent: Double
  public var needsProfile: Bool { true }

  public init(
    window: WindowSize = .share(0.75), scope: BudgetScope = .model, exponent: Double = 1
  ) {
    self.window = window
    self.scope = scope
    self.exponent = exponent
  }

  public func budgets(
    _ profile: HeadProfile?, total: Int, _ shape: SequenceShape
  ) throws(BudgetError) -> HeadMap<HeadBudget> {
    try GradedBudget(window: window, scope: scope, exponent: exponent)
      .budgets(total: total, shape, checked(profile, shape).heads.map(\.entropy))
  }
}
