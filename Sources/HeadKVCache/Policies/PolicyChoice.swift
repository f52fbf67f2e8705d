/// A policy as a user asks for it: a name of the catalog, a budget, options, and the type of rows;
/// or a policy of one's own.
public struct PolicyChoice: Sendable, Hashable {
  public var name: String
  public var budget: CacheBudget?
  /// Values of the policy's parameters, as text by name; those not given have their defaults.
  public var options: [String: String]
  public var branches: GuidanceBranches
  /// The type that keys and values are held in; nil is that of the sequences' shape.
  public var element: CacheElement?
  /// Makes the policy in place of the catalog.
  private var maker: AnyPolicyMaker?

  public init(
    _ name: String = "auto", budget: CacheBudget? = nil, options: [String: String] = [:],
    branches: GuidanceBranches = .shared, element: CacheElement? = nil
  ) {
    self.name = name
    self.budget = budget
    self.options = options
    self.branches = branches
    self.element = element
  }

  /// A policy of one's own; what it keeps, and for which branches, is the maker's to say.
  public init(_ maker: some PolicyMaker, element: CacheElement? = nil) {
    self.init(maker.name, element: element)
    self.maker = AnyPolicyMaker(maker: maker)
  }

  /// The policy for sequences of `shape`.
  ///
  /// - Throws: ``PolicyError`` naming what is unknown, missing or impossible.
  public func policy(for shape: SequenceShape) throws(PolicyError) -> CachePolicy {
    guard let maker else { return try PolicyCatalog.make(self, shape: shape) }
    let shape = element.map(shape.holding) ?? shape
    let policy = try maker.maker.policy(for: shape)
    precondition(policy.shape == shape, "a policy is made for the shape that is asked for")
    return policy
  }
}
