/// A policy as a user asks for it: a name of the catalog, a budget, and options.
public struct PolicyChoice: Sendable, Hashable {
  public var name: String
  public var budget: CacheBudget?
  /// Values of the policy's parameters, as text by name; those not given have their defaults.
  public var options: [String: String]
  public var branches: GuidanceBranches

  public init(
    _ name: String = "full", budget: CacheBudget? = nil, options: [String: String] = [:],
    branches: GuidanceBranches = .independent
  ) {
    self.name = name
    self.budget = budget
    self.options = options
    self.branches = branches
  }

  /// The policy for sequences of `shape`.
  ///
  /// - Throws: ``PolicyError`` naming what is unknown, missing or impossible.
  public func policy(for shape: SequenceShape) throws(PolicyError) -> CachePolicy {
    try PolicyCatalog.make(self, shape: shape)
  }
}
