extension PolicyRecipe {
  static let line = PolicyRecipe(
    "line", "the prefix, first tokens, the newest lines and what the last line looked at",
    source: "LineAR: Qin et al., arXiv 2512.04857",
    parameters: [
      PolicyParameter("anchors", "8", "first tokens that stay"),
      PolicyParameter("recent", "2", "newest rows of the grid that stay"),
      .period, .peak,
    ]
  ) { composer throws(PolicyError) in
    try composer.policy(
      rows: composer.periodicRows(),
      UniformBudget(window: .gridRows(composer.gridRows("recent"))),
      LineEviction(anchors: composer.integer("anchors", in: 0...65_536)), composer.schedule())
  }

  static let ssd = PolicyRecipe(
    "ssd", "a window for heads that look nearby, heavy hitters for the others",
    source: "SSD: Jian and Wang, arXiv 2510.18716",
    parameters: [
      PolicyParameter(
        "threshold", "0.5",
        "share of an even head's mass beyond the last row of the grid from which a head is global"),
      PolicyParameter("window", "2", "rows of the grid that a local head keeps"),
      PolicyParameter("recent", "0.25", "newest tokens of a global head, as a share of a window"),
      .profile("2.5", before: "types"), .scope(.model),
    ]
  ) { composer throws(PolicyError) in
    let rows = try composer.rows(.everyToken)
    let window = try composer.gridRows("window")
    let tokens = try composer.profiled(rows: rows)
    return try composer.policy(
      rows: rows,
      HeadTypeBudget(
        criterion: .farMass(composer.number("threshold", in: 0...1)),
        localWindow: .gridRows(window),
        globalWindow: .gridRows(window * composer.number("recent", in: 0...1)), spendsAll: true,
        scope: composer.oneOf("scope")),
      TypedEviction(global: HeavyHitterEviction()),
      profiling: composer.profiling(tokens: tokens, queries: composer.shape.grid.width))
  }

  static let headkv = PolicyRecipe(
    "headkv", "a window for local heads; global ones also keep history, evicted in two strata",
    source: "HeadKV: Liang et al., arXiv 2605.20600",
    parameters: [
      PolicyParameter("tau", "0.9", "mass that a local head's window holds"),
      PolicyParameter("window", "2", "newest rows of the grid, and a local head's reach"),
      .profile("4.2", before: "types"),
      PolicyParameter("queries", "1", "newest queries that are profiled"),
      PolicyParameter("domain", "visual", "visual or all: whether the prefix counts as mass"),
      PolicyParameter("ratio", "0.5", "share of the history that is its older stratum"),
      PolicyParameter("score", "logit", "logit or weight: by which queries score history"),
      PolicyParameter(
        "spend", "no", "yes: global heads share what local ones leave, to the exact total"),
      .scope(.model), .period, .peak,
    ]
  ) { composer throws(PolicyError) in
    let rows = try composer.periodicRows()
    let window = WindowSize.gridRows(try composer.gridRows("window"))
    let tokens = try composer.profiled(rows: rows)
    return try composer.policy(
      rows: rows,
      HeadTypeBudget(
        localWindow: window, globalWindow: window, spendsAll: composer.flag("spend"),
        scope: composer.oneOf("scope")),
      TypedEviction(
        global: StratifiedEviction(
          ratio: composer.number("ratio", in: 0...1), score: composer.oneOf("score"))),
      // So that types are set on an update, when a whole period of queries has scored the rows.
      composer.schedule(phase: tokens),
      profiling: composer.profiling(
        tokens: tokens, queries: composer.integer("queries", in: 1...65_536),
        tau: composer.number("tau", in: 0.01...1), domain: composer.oneOf("domain")))
  }
}
