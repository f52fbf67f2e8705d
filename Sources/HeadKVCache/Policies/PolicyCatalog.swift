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
      guard let budget else { throw .budgetMissing(name) }
      let rows: Int
      do { rows = try budget.rowsPerHead(shape) } catch { throw .budget(error) }
      return rows >= shape.fullRows ? FullPolicy() : WindowPolicy(rows: rows)
    default:
      throw .unknown(name)
    }
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
