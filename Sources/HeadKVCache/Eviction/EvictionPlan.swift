/// Which rows of one head are to go: a pure value that a rule makes and the store applies.
///
/// A row goes for good, or is merged into a survivor: key and value become the average of both,
/// weighted by the number of tokens c they stand for, and log c is the survivor's bias, so that it
/// draws the attention of all of them.
///
/// Rows are named by slot, their present index in the head's slab. A plan keeps its memory when it
/// is emptied, so that one plan serves a whole run without allocating.
public struct EvictionPlan: Sendable, Equatable {
  /// Slots to free, in the order in which they were named.
  public private(set) var slots: [Int32] = []
  /// For each of `slots` the slot it is merged into; -1 if it is dropped.
  public private(set) var targets: [Int32] = []
  /// How dear each row is, by slot; room to work in for rules that rank rows.
  private var ranks: [Float] = []
  private var scratch: [Float] = []

  /// Numbers that ``withScratch(columns:of:_:)`` can hand out for each row without allocating.
  public static let scratchColumns = 3

  /// - Parameter capacity: slots the plan can name before it has to allocate.
  public init(reserving capacity: Int = 0) {
    slots.reserveCapacity(capacity)
    targets.reserveCapacity(capacity)
    ranks.reserveCapacity(capacity)
    scratch.reserveCapacity(Self.scratchColumns * capacity)
  }

  /// Bytes of a plan that can name `capacity` slots, with the headers of its arrays.
  package static func byteCount(reserving capacity: Int) -> Int {
    4 * (3 + scratchColumns) * capacity + 4 * 64 + MemoryLayout<EvictionPlan>.stride
  }

  public static func == (a: EvictionPlan, b: EvictionPlan) -> Bool {
    a.slots == b.slots && a.targets == b.targets
  }

  public var isEmpty: Bool { slots.isEmpty }

  /// Names one more row to go. Naming a row twice is a programmer error that applying traps on.
  public mutating func evict(slot: Int) {
    slots.append(Int32(slot))
    targets.append(-1)
  }

  /// Names one more row to go, into the row in `target`, which stays. Merging into a row that goes
  /// is a programmer error that applying traps on.
  public mutating func merge(slot: Int, into target: Int) {
    slots.append(Int32(slot))
    targets.append(Int32(target))
  }

  public mutating func removeAll() {
    slots.removeAll(keepingCapacity: true)
    targets.removeAll(keepingCapacity: true)
  }

  // MARK: - Ranking

  /// Ranks the rows that may go by `value`; the prefix and the newest `window` rows stay.
  ///
  /// Allocates nothing within the plan's reserve. A value that is no number ranks lowest.
  public mutating func rank(
    _ head: HeadView, _ step: HeadStep, keeping window: Int, by value: (Int) -> Float
  ) {
    let kept = head.firstKeptBirth(window: window, step)
    ranks.removeAll(keepingCapacity: true)
    for slot in 0..<head.count {
      if slot < step.prefixRows || head.birth(slot) >= kept {
        ranks.append(.infinity)
      } else {
        let value = value(slot)
        ranks.append(value.isNaN ? -.infinity : value)
      }
    }
  }

  /// Calls `body` with `columns * rows` zeros to compute in.
  ///
  /// - Precondition: `columns` is at most ``scratchColumns``.
  public mutating func withScratch(
    columns: Int, of rows: Int, _ body: (inout MutableSpan<Float>) -> Void
  ) {
    scratch.removeAll(keepingCapacity: true)
    withRoom(columns: columns, of: rows, body)
  }

  /// Calls `body` with at least `columns * rows` numbers of any value to compute in.
  ///
  /// - Precondition: `columns` is at most ``scratchColumns``.
  public mutating func withRoom(
    columns: Int, of rows: Int, _ body: (inout MutableSpan<Float>) -> Void
  ) {
    precondition((0...Self.scratchColumns).contains(columns), "no such columns")
    let missing = columns * rows - scratch.count
    if missing > 0 { scratch.append(contentsOf: repeatElement(0, count: missing)) }
    var span = scratch.mutableSpan
    body(&span)
  }

  /// Ranks the rows that may go by the first numbers of the scratch, one for each slot.
  ///
  /// - Precondition: the scratch has one for each row.
  public mutating func rankByScratch(_ head: HeadView, _ step: HeadStep, keeping window: Int) {
    // Handed out and back, as ranking writes to the plan that the numbers are in.
    let values = scratch
    scratch = []
    rank(head, step, keeping: window) { values[$0] }
    scratch = values
  }

  /// Names the `count` rows that rank lowest, the first on ties.
  ///
  /// - Complexity: O(count * rows).
  public mutating func evictLowest(_ count: Int) {
    for _ in 0..<count {
      var lowest = -1
      for slot in ranks.indices where ranks[slot] < .infinity {
        if lowest < 0 || ranks[slot] < ranks[lowest] { lowest = slot }
      }
      guard lowest >= 0 else { return }
      ranks[lowest] = .infinity
      evict(slot: lowest)
    }
  }

  /// Names the oldest rows that are not in the plan yet until it frees `surplus` rows.
  mutating func complete(_ surplus: Int, _ head: HeadView, _ step: HeadStep) {
    while slots.count < surplus {
      var oldest = -1
      for slot in step.prefixRows..<head.count {
        if slots.contains(Int32(slot)) || targets.contains(Int32(slot)) { continue }
        if oldest < 0 || head.birth(slot) < head.birth(oldest) { oldest = slot }
      }
      guard oldest >= 0 else { return }
      evict(slot: oldest)
    }
  }

  /// Orders the slots from last to first, in which they can be freed by moving only survivors.
  ///
  /// - Complexity: O(n) for a plan that is in order, O(n^2) at worst; plans are short.
  mutating func sortDescending() {
    for index in 1..<max(slots.count, 1) {
      let (slot, target) = (slots[index], targets[index])
      var hole = index
      while hole > 0, slots[hole - 1] < slot {
        slots[hole] = slots[hole - 1]
        targets[hole] = targets[hole - 1]
        hole -= 1
      }
      slots[hole] = slot
      targets[hole] = target
    }
  }
}
