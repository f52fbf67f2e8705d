/// A policy of one's own: makes it for sequences of a shape.
///
/// A ``PolicyChoice`` takes one in place of a name of the catalog, and goes wherever choices go: into
/// generation options, to an evaluator.
public protocol PolicyMaker: Sendable, Hashable {
  /// What reports call it.
  var name: String { get }

  /// - Throws: ``PolicyError`` if there is not enough for this shape.
  func policy(for shape: SequenceShape) throws(PolicyError) -> CachePolicy
}

/// A policy maker of any type, compared by type and value.
struct AnyPolicyMaker: Sendable, Hashable {
  let maker: any PolicyMaker

  static func == (a: AnyPolicyMaker, b: AnyPolicyMaker) -> Bool {
    AnyHashable(a.maker) == AnyHashable(b.maker)
  }

  func hash(into hasher: inout Hasher) { AnyHashable(maker).hash(into: &hasher) }
}
