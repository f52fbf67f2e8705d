import HeadKVMath

/// The keys and values of one layer of one sequence, in one allocation.
///
/// Each head has a slab of its own capacity: K `[capacity, headDimension]` and V of the same shape
/// as two separate runs, with positions, births, scores and biases in columns beside them. Rows are
/// stored as attention wants them (rotated), so their order means nothing and a hole is filled by
/// the last row. Nothing grows: appending to a full slab traps.
public struct LayerCache: ~Copyable {
  public let heads: Int
  /// Elements of a key, and of a value.
  public let headDimension: Int
  /// The type that keys and values are held in.
  public let element: CacheElement

  private var memory: AlignedBuffer<UInt8>
  private var slabs: AlignedBuffer<HeadSlab>

  /// Allocates `capacities[h]` rows for head h.
  ///
  /// - Precondition: at least one head, a positive `headDimension`, no negative capacity.
  public init(headDimension: Int, capacities: [Int], element: CacheElement = .f32) {
    precondition(headDimension > 0 && !capacities.isEmpty, "a layer has heads with elements")
    precondition(capacities.allSatisfy { $0 >= 0 }, "negative capacity")
    heads = capacities.count
    self.headDimension = headDimension
    self.element = element
    let layout = SlabLayout(
      headDimension: headDimension, element: element, capacities: HeadMap(capacities))
    memory = AlignedBuffer(count: layout.byteCount, repeating: 0)
    slabs = AlignedBuffer(count: layout.slabs.count, repeating: layout.slabs[0])
    for (head, slab) in layout.slabs.enumerated() { unsafe slabs.base[head] = slab }
  }

  /// Bytes of the allocation that holds all rows, live or free.
  public var byteCount: Int { memory.byteCount }

  /// Bytes that a layer of these capacities holds, without making it.
  public static func byteCount(
    headDimension: Int, capacities: [Int], element: CacheElement = .f32
  ) -> Int {
    SlabLayout(
      headDimension: headDimension, element: element, capacities: HeadMap(capacities)
    ).byteCount
  }

  /// Live rows of a head.
  public func count(head: Int) -> Int { unsafe rows(head).count }

  /// Rows a head has room for.
  public func capacity(head: Int) -> Int { unsafe rows(head).capacity }

  /// Bare access for the decode loop.
  package func rows(_ head: Int) -> HeadRows {
    precondition(head >= 0 && head < heads, "no such head")
    return unsafe HeadRows(slab: slabs.base + head, base: memory.base)
  }

  // MARK: - Changing rows

  /// Adds a row, rounded to the cache's element type, and returns its slot.
  ///
  /// - Precondition: the head has room; `key` and `value` have `headDimension` elements.
  /// - Complexity: O(headDimension).
  @discardableResult
  public mutating func append(
    head: Int, key: Span<Float>, value: Span<Float>, row: CacheRow
  ) -> Int {
    precondition(key.count == headDimension && value.count == headDimension, "wrong row width")
    return unsafe key.withUnsafeBufferPointer { key in
      unsafe value.withUnsafeBufferPointer { value in
        unsafe rows(head).append(key: key.baseAddress!, value: value.baseAddress!, row)
      }
    }
  }

  /// Overwrites the live row in `slot`, its score included (to 0).
  ///
  /// - Precondition: `slot` is live; `key` and `value` have `headDimension` elements.
  public mutating func replace(
    head: Int, slot: Int, key: Span<Float>, value: Span<Float>, row: CacheRow
  ) {
    precondition(key.count == headDimension && value.count == headDimension, "wrong row width")
    unsafe key.withUnsafeBufferPointer { key in
      unsafe value.withUnsafeBufferPointer { value in
        unsafe rows(head).replace(slot, key: key.baseAddress!, value: value.baseAddress!, row)
      }
    }
  }

  /// Frees the rows that `plan` names, in place.
  ///
  /// Surviving rows may change slots. Moves at most as many rows as it frees.
  ///
  /// - Precondition: the plan's slots are live and distinct.
  public mutating func apply(_ plan: EvictionPlan, head: Int) {
    var plan = plan
    unsafe rows(head).apply(&plan)
  }

  /// Forgets all rows and keeps the memory.
  public mutating func removeAll() {
    for head in 0..<heads { unsafe rows(head).removeAll() }
  }

  /// Moves the live rows into a new allocation of other capacities and frees the old one.
  ///
  /// Slots stay as they are. Both allocations exist while the rows move.
  ///
  /// - Precondition: one capacity for each head, none below its live rows.
  public mutating func recarve(capacities: [Int]) {
    precondition(capacities.count == heads, "one capacity for each head")
    let fresh = LayerCache(
      headDimension: headDimension, capacities: capacities, element: element)
    for head in 0..<heads { unsafe fresh.rows(head).copy(from: rows(head)) }
    self = fresh
  }
}

extension HeadMap<Int> {
  /// The capacities of a single layer.
  fileprivate init(_ capacities: [Int]) {
    self.init(layers: 1, heads: capacities.count) { capacities[$1] }
  }
}
