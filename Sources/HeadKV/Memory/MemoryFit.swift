/// As many pictures at a time, and as large a budget, as a limit of memory allows: a value.
public struct MemoryFit: Sendable, Hashable {
  /// Bytes that the process may take.
  public let limit: Int
  /// Pictures drawn at the same time, and decoded at the same time.
  public let batch: Int
  public let decoders: Int
  /// As it was asked for, with a budget where it was given none and the cache does not fit in full.
  public let policy: PolicyChoice
  public let need: MemoryNeed

  /// The most bytes that the process takes.
  public var bytes: Int { need.bytes(batch: batch, decoders: decoders) }

  /// Picks the largest batch that fits. If the policy has no budget and the full cache of one
  /// picture does not fit, picks the largest budget, in rows of a head, with which one does.
  ///
  /// - Parameters:
  ///   - limit: bytes that the process may take.
  ///   - batch, decoders: the most pictures to draw, and to decode, at the same time.
  ///   - need: all but the caches.
  ///   - shape: of a sequence; a picture has `sequences` of them.
  ///   - weights: bytes of the weights in other precisions, for the error.
  /// - Throws: ``MemoryFitError`` if not even one picture fits, ``PolicyError`` if the policy cannot
  ///   be made.
  /// - Precondition: batch, decoders and sequences are positive.
  public init(
    limit: Int, batch: Int, decoders: Int, need: MemoryNeed, policy: PolicyChoice,
    shape: SequenceShape, sequences: Int, weights: [WeightPrecision: Int] = [:]
  ) throws {
    precondition(batch > 0 && decoders > 0 && sequences > 0, "a picture is drawn at a time")
    let cache = CacheSearch(need: need, policy: policy, shape: shape, sequences: sequences)
    func bytes(_ choice: PolicyChoice) throws(PolicyError) -> Int {
      try cache.need(choice).bytes(batch: 1, decoders: 1)
    }
    var choice = policy
    if try cache.isWhole == false || bytes(policy) > limit {
      guard let found = try cache.largest(where: { try bytes($0) <= limit }) else {
        throw try MemoryFitError(limit: limit, cache, weights: weights)
      }
      choice = found
    }
    let found = try cache.need(choice)
    func largest(_ most: Int, _ fits: (Int) -> Bool) -> Int {
      (1...most).reversed().first(where: fits) ?? 1
    }
    self.limit = limit
    self.policy = choice
    self.need = found
    let batch = largest(batch) { found.bytes(batch: $0, decoders: 1) <= limit }
    self.batch = batch
    self.decoders = largest(decoders) { found.bytes(batch: batch, decoders: $0) <= limit }
  }
}
