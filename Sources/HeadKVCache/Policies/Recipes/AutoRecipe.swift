extension PolicyRecipe {
  static let auto = PolicyRecipe(
    "auto",
    "rows where they save most, measured on the first tokens; older rows are merged in pairs",
    needsBudget: false,
    parameters: [
      PolicyParameter("profile", "3", "rows of the grid that are drawn before budgets are set"),
      PolicyParameter(
        "cap", "after", "after: the budget holds once it is set; strict: from the first token on"),
      PolicyParameter(
        "peaked", "0.3", "strict: entropy, 0 to 1, below which a head is not compressed early"),
    ]
  ) { composer throws(PolicyError) in
    let shape = composer.shape
    guard composer.choice.budget != nil else { return .full(shape, name: composer.choice.name) }
    let rows = try composer.rows(.everyToken)
    let tokens = try composer.profiled("profile", rows: 0)
    let cap: Cap = try composer.oneOf("cap")
    let peaked = try composer.number("peaked", in: 0...1)
    let profiling = try composer.profiling(tokens: tokens)
    if rows >= shape.fullRows {
      return .full(shape, name: composer.choice.name, profiling: profiling)
    }
    return try CachePolicy(
      name: composer.choice.name, shape: shape,
      budgeter: DistortionBudgets(
        total: rows * shape.allHeads, profiling: profiling, isStrict: cap == .strict,
        peaked: peaked, shape),
      eviction: TypedEviction(global: PairwiseMerging()), branches: composer.choice.branches)
  }

  private enum Cap: String, CaseIterable { case after, strict }
}
