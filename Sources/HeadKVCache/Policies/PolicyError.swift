internal import HeadKVFiles

/// Why a policy cannot be made.
public enum PolicyError: Error, Sendable, Equatable, CustomStringConvertible {
  case unknown(String)
  case budgetMissing(String)
  case budgetNotUsed(String)
  case budget(CacheBudgetError)
  case rows(BudgetError)
  case profile(ProfileError)
  /// A parameter that the policy does not have.
  case unknownOption(policy: String, name: String, known: [String])
  case option(policy: String, name: String, found: String, expected: String)

  public var description: String { text.onOneLine }

  private var text: String {
    switch self {
    case .unknown(let name):
      "no cache policy '\(name)'; there are \(PolicyCatalog.all.map(\.name).joined(separator: ", "))"
    case .budgetMissing(let name): "cache policy '\(name)' needs a budget"
    case .budgetNotUsed(let name): "cache policy '\(name)' takes no budget below 100 %"
    case .budget(let error): error.description
    case .rows(let error): error.description
    case .profile(let error): error.description
    case .unknownOption(let policy, let name, let known):
      "cache policy '\(policy)' has no option '\(name)'; it has "
        + (known.isEmpty ? "none" : known.joined(separator: ", "))
    case .option(let policy, let name, let found, let expected):
      "option '\(name)' of cache policy '\(policy)' is '\(found)'; it must be \(expected)"
    }
  }
}
