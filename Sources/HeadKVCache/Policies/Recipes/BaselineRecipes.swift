extension PolicyRecipe {
  static let full = PolicyRecipe("full", "every row is kept", needsBudget: false) {
    composer throws(PolicyError) in
    guard composer.choice.budget == nil || composer.choice.budget == .share(1) else {
      throw .budgetNotUsed(composer.choice.name)
    }
    return .full(composer.shape)
  }

  static let window = PolicyRecipe(
    "window", "the prefix and the newest rows",
    source: "StreamingLLM: Xiao et al., arXiv 2309.17453"
  ) { composer throws(PolicyError) in
    try composer.policy(rows: composer.rows(.everyToken), UniformBudget(), WindowEviction())
  }

  static let h2o = PolicyRecipe(
    "h2o", "the prefix, the newest rows and those that drew most attention so far",
    source: "H2O: Zhang et al., arXiv 2306.14048",
    parameters: [
      PolicyParameter("recent", "0.5", "share of a head's rows that are its newest, rounded down")
    ]
  ) { composer throws(PolicyError) in
    let recent = try composer.number("recent", in: 0...1)
    return try composer.policy(
      rows: composer.rows(.everyToken), UniformBudget(window: .share(recent, .down)),
      HeavyHitterEviction())
  }
}
