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

  /// Makes the policy `name` for sequences of `shape`.
  ///
  /// A budget that covers the full cache gives the full cache, whatever the name.
  /// - Throws: ``PolicyError`` for an unknown name, a missing or an impossible budget.
  public static func make(
    _ name: String, budget: CacheBudget?, shape: SequenceShape
  ) throws(PolicyError) -> any EvictionPolicy {
    switch name {
    case "full":
      guard budget == nil || budget == .share(1) else { throw .budgetNotUsed(name) }
      return FullPolicy()
    case "window":
      return try uniform(name, budget, shape) { WindowPolicy(rows: $0) }
    case "h2o":
      return try uniform(name, budget, shape) { HeavyHitterPolicy(rows: $0) }
    case "merge":
      return try uniform(name, budget, shape) { MergingPolicy(rows: $0) }
    default:
      throw .unknown(name)
    }
  }

  /// A policy that gives every head the same rows.
  private static func uniform(
    _ name: String, _ budget: CacheBudget?, _ shape: SequenceShape,
    _ policy: (Int) -> any EvictionPolicy
  ) throws(PolicyError) -> any EvictionPolicy {
    guard let budget else { throw .budgetMissing(name) }
    let rows: Int
    do { rows = try budget.rowsPerHead(shape) } catch { throw .budget(error) }
    return rows >= shape.fullRows ? FullPolicy() : policy(rows)
  }
}

/// Why a policy cannot be made.
public enum PolicyError: Error, Sendable, Equatable, CustomStringConvertible {
  case unknown(String)
  case budgetMissing(String)
  case budgetNotUsed(String)
  case budget(CacheBudgetError)

  public var description: String {
    switch self {
    case .unknown(let name):
      "no cache policy '\(name)'; there are \(PolicyCatalog.all.map(\.name).joined(separator: ", "))"
    case .budgetMissing(let name): "cache policy '\(name)' needs a budget"
    case .budgetNotUsed(let name): "cache policy '\(name)' takes no budget below 100 %"
    case .budget(let error): error.description
    }
  }
}
