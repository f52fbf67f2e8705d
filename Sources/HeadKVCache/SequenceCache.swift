/// What a sequence's cache has to hold.
public struct SequenceShape: Sendable, Hashable {
  public let layers: Int
  public let heads: Int
  /// Elements of a key, and of a value.
  public let headDimension: Int
  /// Rows of the prefix, after folding.
  public let prefixRows: Int
  public let grid: TokenGrid
  /// Tokens appended by one step at most.
  public let rowsPerStep: Int

  public init(
    layers: Int, heads: Int, headDimension: Int, prefixRows: Int, grid: TokenGrid,
    rowsPerStep: Int = 1
  ) {
    precondition(
      layers > 0 && heads > 0 && headDimension > 0 && prefixRows >= 0 && rowsPerStep > 0,
      "a sequence has layers, heads and rows")
    self.layers = layers
    self.heads = heads
    self.headDimension = headDimension
    self.prefixRows = prefixRows
    self.grid = grid
    self.rowsPerStep = rowsPerStep
  }

  /// Rows of the full cache: the prefix and every token but the last, which is never read back.
  public var fullRows: Int { prefixRows + grid.count - 1 }

  /// Bytes that a sequence holds when every head has room for `rows` rows.
  public func byteCount(rowsPerHead rows: Int) -> Int {
    layers
      * LayerCache.byteCount(
        headDimension: headDimension, capacities: Array(repeating: rows, count: heads))
  }
}

/// The cache of one sequence: a ``LayerCache`` for each layer.
@safe
public struct SequenceCache: ~Copyable {
  public let shape: SequenceShape
  private let layers: UnsafeMutablePointer<LayerCache>

  /// Allocates what `policy` asks for, head by head.
  public init(_ shape: SequenceShape, policy: some EvictionPolicy) {
    self.shape = shape
    unsafe layers = .allocate(capacity: shape.layers)
    for layer in 0..<shape.layers {
      let capacities = (0..<shape.heads).map {
        min(policy.capacity(layer: layer, head: $0, shape: shape), shape.fullRows)
      }
      unsafe (layers + layer).initialize(
        to: LayerCache(headDimension: shape.headDimension, capacities: capacities))
    }
  }

  deinit {
    unsafe layers.deinitialize(count: shape.layers)
    unsafe layers.deallocate()
  }

  /// Calls `body` with the cache of `layer` to read or change it.
  ///
  /// - Precondition: `layer` is in `0..<shape.layers`.
  public mutating func withLayer<R, E: Error>(
    _ layer: Int, _ body: (inout LayerCache) throws(E) -> R
  ) throws(E) -> R {
    precondition(layer >= 0 && layer < shape.layers, "no such layer")
    return try unsafe body(&layers[layer])
  }

  /// Bytes held: the sum over the layers' allocations.
  public var byteCount: Int {
    (0..<shape.layers).reduce(0) { unsafe $0 + layers[$1].byteCount }
  }

  /// Live rows over all layers and heads.
  public var liveRows: Int {
    var total = 0
    for layer in 0..<shape.layers {
      for head in 0..<shape.heads { total += unsafe layers[layer].count(head: head) }
    }
    return total
  }

  /// The most live rows that a head has.
  public var mostLiveRows: Int {
    var most = 0
    for layer in 0..<shape.layers {
      for head in 0..<shape.heads { most = max(most, unsafe layers[layer].count(head: head)) }
    }
    return most
  }

  /// Forgets all rows and keeps the memory.
  public mutating func removeAll() {
    for layer in 0..<shape.layers { unsafe layers[layer].removeAll() }
  }

  /// Bare access for the decode loop.
  package func rows(layer: Int, head: Int) -> HeadRows {
    precondition(layer >= 0 && layer < shape.layers, "no such layer")
    return unsafe layers[layer].rows(head)
  }
}
