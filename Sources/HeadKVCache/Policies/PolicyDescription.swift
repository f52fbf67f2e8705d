/// A policy as a user reads of it.
public struct PolicyDescription: Sendable, Hashable, Codable {
  public let name: String
  public let summary: String
  /// The paper it comes from, if any.
  public let source: String?
  public let needsBudget: Bool
  public let parameters: [PolicyParameter]
}

/// A setting of a policy that its user may change.
public struct PolicyParameter: Sendable, Hashable, Codable {
  public let name: String
  public let defaultValue: String
  public let meaning: String

  init(_ name: String, _ defaultValue: String, _ meaning: String) {
    self.name = name
    self.defaultValue = defaultValue
    self.meaning = meaning
  }
}
