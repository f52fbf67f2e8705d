/// A policy as a user names it.
public struct PolicyDescription: Sendable, Hashable {
  public let name: String
  public let summary: String
  /// The paper it comes from, if any.
  public let source: String?
  public let needsBudget: Bool
}

/// The policies by name.
public enum PolicyCatalog {
  public static let all: [PolicyDescription] = [
    PolicyDescription(
      name: "full", summary: "every row is kept", source: nil, needsBudget: false),
    PolicyDescription(
      name: "window", summary: "the prefix and the newest rows",
      source: "StreamingLLM, arXiv 2309.17453", needsBudget: true),
    PolicyDescription(
      name: "h2o", summary: "the prefix, the newest rows and those that drew most attention so far",
      source: "H2O, arXiv 2306.14048", needsBudget: true),
    PolicyDescription(
      name: "merge",
      summary: "the prefix and the newest rows; older ones are averaged with their neighbours",
      source: nil, needsBudget: true),
  ]

  /// Makes the policy that is asked for.
  ///
  /// - Throws: ``PolicyError`` for an unknown name, a missing or an impossible budget.
  public static func make(
    _ choice: PolicyChoice, shape: SequenceShape
  ) throws(PolicyError) -> CachePolicy {
    try make(choice.name, budget: choice.budget, shape: shape)
  }

  /// Makes the policy `name` for sequences of `shape`.
  ///
  /// A budget that covers the full cache gives the full cache, whatever the name.
  /// - Throws: ``PolicyError`` for an unknown name, a missing or an impossible budget.
  public static func make(
    _ name: String, budget: CacheBudget?, shape: SequenceShape
  ) throws(PolicyError) -> CachePolicy {
    switch name {
    case "full":
      guard budget == nil || budget == .share(1) else { throw .budgetNotUsed(name) }
      return CachePolicy.full(shape)
    case "window":
      return try uniform(name, budget, shape, .all, WindowEviction())
    case "h2o":
      return try uniform(name, budget, shape, .share(0.5, .down), HeavyHitterEviction())
    case "merge":
      return try uniform(name, budget, shape, .share(0.75), MergingEviction())
    default:
      throw .unknown(name)
    }
  }

  /// A policy that gives every head the same rows.
  private static func uniform(
    _ name: String, _ budget: CacheBudget?, _ shape: SequenceShape, _ window: WindowSize,
    _ rule: any EvictionRule
  ) throws(PolicyError) -> CachePolicy {
    guard let budget else { throw .budgetMissing(name) }
    let rows: Int
    do { rows = try budget.rowsPerHead(shape) } catch { throw .budget(error) }
    if rows >= shape.fullRows { return CachePolicy.full(shape, name: name) }
    return try CachePolicy(
      name: name, shape: shape,
      budgeter: FixedBudgets(UniformBudget(window: window), total: rows * shape.allHeads),
      eviction: rule)
  }
}
