extension PolicyRecipe {
  static let snapkv = PolicyRecipe(
    "snapkv", "the prefix, the newest rows and those that these look at, with their neighbours",
    source: "SnapKV: Li et al., arXiv 2404.14469",
    parameters: [.observation, .kernel, .period, .peak]
  ) { composer throws(PolicyError) in
    try composer.policy(
      rows: composer.periodicRows(),
      UniformBudget(window: .gridRows(composer.gridRows("observation"))),
      SnapEviction(observation: composer.tokens("observation"), kernel: composer.odd("kernel")),
      composer.schedule())
  }

  static let adakv = PolicyRecipe(
    "adakv", "as snapkv, with more rows for heads whose weights are spread over more",
    source: "Ada-KV: Feng et al., arXiv 2407.11550",
    parameters: [
      PolicyParameter("safeguard", "0.2", "share of an even budget that each head gets"),
      .scope(.layer), .profile("2.5", before: "budgets"), .observation, .kernel, .period, .peak,
    ]
  ) { composer throws(PolicyError) in
    let rows = try composer.periodicRows()
    let tokens = try composer.profiled(rows: rows)
    let observation = try composer.tokens("observation")
    return try composer.policy(
      rows: rows,
      ConcentrationBudget(
        safeguard: composer.number("safeguard", in: 0...1),
        window: .gridRows(composer.gridRows("observation")), scope: composer.oneOf("scope")),
      SnapEviction(observation: observation, kernel: composer.odd("kernel")),
      composer.schedule(phase: tokens),
      profiling: composer.profiling(tokens: tokens, queries: observation))
  }

  static let rkv = PolicyRecipe(
    "rkv", "the prefix, the newest rows and those that are looked at and unlike others",
    source: "R-KV: Cai et al., arXiv 2505.24133",
    parameters: [
      PolicyParameter("lambda", "0.1", "share of importance against redundancy"),
      PolicyParameter("observation", "8", "newest tokens whose queries choose, and stay"),
      PolicyParameter("kernel", "7", "neighbouring tokens of which the best score counts, odd"),
      PolicyParameter("threshold", "0.5", "cosine above which keys are alike"),
      .period, .peak,
    ]
  ) { composer throws(PolicyError) in
    let observation = try composer.integer("observation", in: 1...65_536)
    return try composer.policy(
      rows: composer.periodicRows(), UniformBudget(window: .tokens(observation)),
      RedundancyEviction(
        lambda: Float(composer.number("lambda", in: 0...1)), observation: observation,
        kernel: composer.odd("kernel"),
        threshold: Float(composer.number("threshold", in: -1...1))),
      composer.schedule())
  }
}
