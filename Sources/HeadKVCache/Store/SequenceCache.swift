import HeadKVMath

/// The cache of one sequence: the slabs of all layers and heads in one arena.
///
/// What it holds can be laid out anew in place when budgets change; no second copy of the rows ever
/// exists, and what is freed goes back to the system.
@safe
public struct SequenceCache: ~Copyable {
  public let shape: SequenceShape
  private var arena: CacheArena
  private let slabs: AlignedBuffer<HeadSlab>

  /// Maps memory for `capacities` rows of each head.
  ///
  /// - Parameter limit: bytes that the cache may ever take; by default those of `capacities`.
  /// - Precondition: one capacity for each head, none negative; their bytes are within `limit`.
  public init(_ shape: SequenceShape, capacities: HeadMap<Int>, limit: Int? = nil) {
    precondition(
      capacities.layers == shape.layers && capacities.heads == shape.heads
        && capacities.values.allSatisfy { $0 >= 0 }, "one capacity for each head")
    self.shape = shape
    let layout = shape.layout(capacities)
    arena = CacheArena(byteCount: layout.byteCount, reserving: limit ?? layout.byteCount)
    slabs = AlignedBuffer(count: layout.slabs.count, repeating: layout.slabs[0])
    for (index, slab) in layout.slabs.enumerated() { unsafe slabs.base[index] = slab }
  }

  /// Bytes held: the arena's pages, live rows or not.
  public var byteCount: Int { arena.byteCount }

  /// Bytes that the cache can hold at most.
  public var limit: Int { arena.reserved }

  /// Live rows of a head.
  public func count(layer: Int, head: Int) -> Int { unsafe rows(layer: layer, head: head).count }

  /// Rows a head has room for.
  public func capacity(layer: Int, head: Int) -> Int {
    unsafe rows(layer: layer, head: head).capacity
  }

  /// What is remembered of the row in `slot`.
  ///
  /// - Precondition: the slot is live.
  public func row(layer: Int, head: Int, slot: Int) -> CacheRow {
    unsafe rows(layer: layer, head: head).row(slot)
  }

  /// Live rows over all layers and heads.
  public var liveRows: Int {
    var total = 0
    for index in 0..<slabs.count { total += unsafe slabs.base[index].count }
    return total
  }

  /// The most live rows that a head has.
  public var mostLiveRows: Int {
    var most = 0
    for index in 0..<slabs.count { most = max(most, unsafe slabs.base[index].count) }
    return most
  }

  /// Lays the cache out for other capacities, in place.
  ///
  /// Slots stay as they are. Allocates a little; not for every token.
  /// - Precondition: one capacity for each head, none below its live rows; the bytes are within
  ///   `limit`.
  /// - Complexity: O(live rows); moves each at most twice.
  public mutating func recarve(capacities: HeadMap<Int>) {
    precondition(
      capacities.layers == shape.layers && capacities.heads == shape.heads,
      "one capacity for each head")
    let layout = shape.layout(capacities)
    let old = (0..<slabs.count).map { unsafe slabs.base[$0] }
    let moves = Recarving(heads: shape.heads, from: old, to: layout)
    if layout.byteCount > arena.byteCount { arena.resize(to: layout.byteCount) }
    unsafe moves.apply(to: arena.base)
    arena.resize(to: layout.byteCount)
    for (index, slab) in layout.slabs.enumerated() {
      let count = unsafe slabs.base[index].count
      unsafe slabs.base[index] = slab
      unsafe slabs.base[index].count = count
    }
  }

  /// Bare access for the decode loop.
  package func rows(layer: Int, head: Int) -> HeadRows {
    precondition(
      layer >= 0 && layer < shape.layers && head >= 0 && head < shape.heads,
      "no such layer or head")
    return unsafe HeadRows(slab: slabs.base + layer * shape.heads + head, base: arena.base)
  }
}
