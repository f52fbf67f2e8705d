/// A policy as a user asks for it: a name of the catalog, a budget, options, and the type of rows.
public struct PolicyChoice: Sendable, Hashable {
  public var name: String
  public var budget: CacheBudget?
  /// Values of the policy's parameters, as text by name; those not given have their defaults.
  public var options: [String: String]
  public var branches: GuidanceBranches
  /// The type that keys and values are held in; nil is that of the sequences' shape.
  public var element: CacheElement?

  public init(
    _ name: String = "auto", budget: CacheBudget? = nil, options: [String: String] = [:],
    branches: GuidanceBranches = .independent, element: CacheElement? = nil
  ) {
    self.name = name
    self.budget = budget
    self.options = options
    self.branches = branches
    self.element = element
  }

  /// The policy for sequences of `shape`.
  ///
  /// - Throws: ``PolicyError`` naming what is unknown, missing or impossible.
  public func policy(for shape: SequenceShape) throws(PolicyError) -> CachePolicy {
    try PolicyCatalog.make(self, shape: shape)
  }
}
