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

extension DecodeEngine {
  /// The starts of pictures' branches, numbered as ``Guidance`` has them: the conditional ones, then,
  /// if the pictures are guided, the others, which follow theirs where the policy says so.
  package func starts(of conditions: [Condition], isGuided: Bool) -> [SequenceStart] {
    var starts = conditions.enumerated().map { SequenceStart($0, condition: $1) }
    if isGuided {
      starts += starts.map { start in
        SequenceStart(
          conditions.count + start.sequence,
          condition: start.condition.null(classes: model.configuration.classCount),
          sharingWith: policy.branches == .shared ? start.sequence : nil)
      }
    }
    return starts
  }
}
