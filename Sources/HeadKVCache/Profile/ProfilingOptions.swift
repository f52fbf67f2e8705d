internal import HeadKVFiles

/// How a sequence's heads are profiled: a validated value.
public struct ProfilingOptions: Sendable, Hashable {
  /// Tokens that are drawn before the profile is complete.
  public let tokens: Int
  /// Newest of these whose queries count.
  public let queries: Int
  /// Mass that a head's reach holds.
  public let tau: Double
  public let domain: ProfileDomain

  /// - Parameter queries: all of `tokens` by default.
  /// - Throws: ``ProfileError`` naming the value out of range.
  public init(
    tokens: Int, queries: Int? = nil, tau: Double = 0.9, domain: ProfileDomain = .visual
  ) throws(ProfileError) {
    guard tokens > 0 else { throw .value("tokens", "\(tokens)", "at least 1") }
    let queries = queries ?? tokens
    guard (1...tokens).contains(queries) else {
      throw .value("queries", "\(queries)", "between 1 and \(tokens), the tokens profiled")
    }
    guard tau > 0, tau <= 1 else { throw .value("tau", "\(tau)", "above 0, at most 1") }
    self.tokens = tokens
    self.queries = queries
    self.tau = tau
    self.domain = domain
  }
}

/// Over which rows a head's attention is normalised.
public enum ProfileDomain: String, Sendable, Hashable, Codable, CaseIterable {
  /// Rows of the picture: mass on the prefix, which is always kept, says nothing about them.
  case visual
  /// All rows.
  case all
}

/// A profile, or a setting of one, that cannot be used.
public enum ProfileError: Error, Sendable, Equatable, CustomStringConvertible {
  case value(_ name: String, _ found: String, _ expected: String)
  case malformed(String)

  public var description: String { text.onOneLine }

  private var text: String {
    switch self {
    case .value(let name, let found, let expected):
      "head profile: \(name) is \(found); it must be \(expected)"
    case .malformed(let reason): "head profile: \(reason)"
    }
  }
}
