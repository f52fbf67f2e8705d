/// The policies by name.
public enum PolicyCatalog {
  static let recipes: [PolicyRecipe] = [
    .auto, .full, .window, .h2o, .snapkv, .adakv, .rkv, .line, .ssd, .headkv, .strata, .merge,
  ]

  public static let all: [PolicyDescription] = recipes.map(\.description)

  /// Makes the policy that is asked for.
  ///
  /// A budget that covers the full cache gives the full cache, whatever the name.
  /// - Throws: ``PolicyError`` for an unknown name or option, a value out of range, a missing or an
  ///   impossible budget.
  public static func make(
    _ choice: PolicyChoice, shape: SequenceShape
  ) throws(PolicyError) -> CachePolicy {
    guard let recipe = recipes.first(where: { $0.description.name == choice.name }) else {
      throw .unknown(choice.name)
    }
    let shape = choice.element.map(shape.holding) ?? shape
    return try recipe.compose(
      try PolicyComposer(choice, description: recipe.description, shape: shape))
  }

  /// Makes the policy `name` for sequences of `shape`.
  ///
  /// - Throws: as ``make(_:shape:)``.
  public static func make(
    _ name: String, budget: CacheBudget?, options: [String: String] = [:], shape: SequenceShape
  ) throws(PolicyError) -> CachePolicy {
    try make(PolicyChoice(name, budget: budget, options: options), shape: shape)
  }
}

/// How a policy of the catalog is put together.
struct PolicyRecipe: Sendable {
  let description: PolicyDescription
  let compose: @Sendable (PolicyComposer) throws(PolicyError) -> CachePolicy

  init(
    _ name: String, _ summary: String, source: String? = nil, needsBudget: Bool = true,
    parameters: [PolicyParameter] = [],
    compose: @escaping @Sendable (PolicyComposer) throws(PolicyError) -> CachePolicy
  ) {
    description = PolicyDescription(
      name: name, summary: summary, source: source, needsBudget: needsBudget,
      parameters: parameters)
    self.compose = compose
  }
}
