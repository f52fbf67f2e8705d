extension PolicyRecipe {
  static let auto = PolicyRecipe(
    "auto",
    "rows where they save most, measured on the first tokens; older rows are merged in pairs",
    needsBudget: false,
    parameters: [
      .profile("3", before: "budgets"),
      PolicyParameter(
        "cap", "after", "after: the budget holds once it is set; strict: from the first token on"),
      PolicyParameter(
        "peaked", "0.3", "strict: entropy, 0 to 1, below which a head is not compressed early"),
      PolicyParameter(
        "merge", "pairs",
        "pairs: rows whose merging costs least become one; lines: neighbours, those for fewest first"),
      PolicyParameter(
        "growth", "yes", "yes: old rows are weighed for the whole picture when heads are measured"),
    ]
  ) { composer throws(PolicyError) in
    let shape = composer.shape
    guard composer.choice.budget != nil else { return .full(shape, name: composer.choice.name) }
    let tokens = try composer.profiled(rows: 0)
    let cap: Cap = try composer.oneOf("cap")
    let peaked = try composer.number("peaked", in: 0...1)
    let merge: Merge = try composer.oneOf("merge")
    let distortion = DistortionOptions(anticipatesGrowth: try composer.flag("growth"))
    let profiling = try composer.profiling(tokens: tokens)
    let watched = HeadWatch.byteCount(shape, profiling, measures: true)
    let rows = try composer.rows(.everyToken, beside: cap == .strict ? watched : 0)
    if rows >= shape.fullRows { return .full(shape, name: composer.choice.name) }
    let merging: any EvictionRule =
      switch merge {
      case .pairs: PairwiseMerging()
      case .lines: MergingEviction()
      }
    return try CachePolicy(
      name: composer.choice.name, shape: shape,
      budgeter: DistortionBudgets(
        total: rows * shape.allHeads, profiling: profiling, distortion: distortion,
        isStrict: cap == .strict, peaked: peaked, shape),
      eviction: TypedEviction(global: merging), branches: composer.choice.branches)
  }

  private enum Cap: String, CaseIterable { case after, strict }
  private enum Merge: String, CaseIterable { case pairs, lines }
}
