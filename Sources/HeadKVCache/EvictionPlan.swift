/// Which rows of one head are to go: a pure value that a policy makes and the store applies.
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

  /// - Parameter capacity: slots the plan can name before it has to allocate.
  public init(reserving capacity: Int = 0) {
    slots.reserveCapacity(capacity)
    targets.reserveCapacity(capacity)
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
