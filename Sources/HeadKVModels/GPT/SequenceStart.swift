import HeadKVCache

/// A sequence that is to begin.
public struct SequenceStart {
  public var sequence: Int
  public var condition: Condition
  /// The other branch of a guided picture, whose choice of rows this sequence follows.
  public var leader: Int?
  /// Those that watch the cache of this sequence.
  public var observers: [any CacheObserver]

  public init(
    _ sequence: Int, condition: Condition, sharingWith leader: Int? = nil,
    observers: [any CacheObserver] = []
  ) {
    self.sequence = sequence
    self.condition = condition
    self.leader = leader
    self.observers = observers
  }
}
