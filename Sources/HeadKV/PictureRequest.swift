import HeadKVCache
import HeadKVModels

/// A picture that is to be drawn: from what, and with which seed.
public struct PictureRequest: Sendable, Hashable {
  public var condition: Condition
  public var seed: UInt64

  public init(_ condition: Condition, seed: UInt64) {
    self.condition = condition
    self.seed = seed
  }

  /// One picture for each condition; picture i has seed + i.
  public static func pictures(_ conditions: [Condition], seed: UInt64) -> [PictureRequest] {
    conditions.enumerated().map { PictureRequest($1, seed: seed &+ UInt64($0)) }
  }
}

/// The branches of a picture under guidance.
public enum GuidanceBranch: String, Sendable, Hashable, CaseIterable {
  case conditional, unconditional
}

/// Names those that watch the cache of a branch of picture i.
public typealias CacheObservers = (_ picture: Int, _ branch: GuidanceBranch) -> [any CacheObserver]
