extension PolicyRecipe {
  private static let share = PolicyParameter(
    "window", "0.75", "share of a head's rows that are its newest")

  static let strata = PolicyRecipe(
    "strata", "the prefix, the newest rows and older ones spread evenly over the picture",
    parameters: [share]
  ) { composer throws(PolicyError) in
    try composer.policy(
      rows: composer.rows(.everyToken),
      UniformBudget(window: .share(composer.number("window", in: 0...1))),
      SpatialStrataEviction())
  }

  static let merge = PolicyRecipe(
    "merge", "the prefix and the newest rows; older ones are averaged with their neighbours",
    parameters: [
      share,
      PolicyParameter(
        "budgets", "uniform", "uniform, entropy or reach: what rows are in proportion to"),
      PolicyParameter("exponent", "1", "power to which entropy or reach is raised"),
      .scope(.model), .profile("2.5", before: "budgets"),
    ]
  ) { composer throws(PolicyError) in
    let rows = try composer.rows(.everyToken)
    let window = WindowSize.share(try composer.number("window", in: 0...1))
    let scope: BudgetScope = try composer.oneOf("scope")
    let exponent = try composer.number("exponent", in: 0...8)
    let statistic: MergeBudgets = try composer.oneOf("budgets")
    let rule: any BudgetRule =
      switch statistic {
      case .uniform: UniformBudget(window: window)
      case .entropy: GradedBudget(.entropy, window: window, scope: scope, exponent: exponent)
      case .reach: GradedBudget(.reach, window: window, scope: scope, exponent: exponent)
      }
    let tokens = try composer.profiled(rows: rows)
    return try composer.policy(
      rows: rows, rule, MergingEviction(),
      profiling: rule.needsProfile
        ? composer.profiling(tokens: tokens, queries: composer.shape.grid.width) : nil)
  }

  private enum MergeBudgets: String, CaseIterable { case uniform, entropy, reach }
}
