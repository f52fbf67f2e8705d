import Foundation
import HeadKVMath

/// The rows of one head as bare memory: the thin layer through which all pointers go.
///
/// Valid while the cache it belongs to lives and is not re-carved. Different heads may be used by
/// different threads at the same time; one head by one thread only.
@unsafe
package struct HeadRows {
  let slab: UnsafeMutablePointer<HeadSlab>
  let words: UnsafeMutablePointer<Float>

  package var count: Int { unsafe slab.pointee.count }
  package var capacity: Int { unsafe slab.pointee.capacity }
  package var stride: Int { unsafe slab.pointee.stride }
  package var keys: UnsafeMutablePointer<Float> { unsafe words + slab.pointee.keys }
  package var values: UnsafeMutablePointer<Float> { unsafe words + slab.pointee.values }
  package var scores: UnsafeMutablePointer<Float> { unsafe words + slab.pointee.scores }
  package var biases: UnsafeMutablePointer<Float> { unsafe words + slab.pointee.biases }
  package var positions: UnsafeMutablePointer<Int32> { unsafe integers(slab.pointee.positions) }
  package var births: UnsafeMutablePointer<Int32> { unsafe integers(slab.pointee.births) }

  private func integers(_ offset: Int) -> UnsafeMutablePointer<Int32> {
    unsafe UnsafeMutableRawPointer(words + offset).assumingMemoryBound(to: Int32.self)
  }

  /// Adds a row behind the live ones and returns its slot.
  ///
  /// - Precondition: `count < capacity`.
  @discardableResult
  package func append(
    key: UnsafePointer<Float>, value: UnsafePointer<Float>, _ row: CacheRow
  ) -> Int {
    let slot = unsafe slab.pointee.count
    unsafe precondition(slot < slab.pointee.capacity, "the head's slab is full")
    unsafe slab.pointee.count = slot + 1
    unsafe write(slot, key: key, value: value, row)
    return slot
  }

  /// Overwrites a live row.
  package func replace(
    _ slot: Int, key: UnsafePointer<Float>, value: UnsafePointer<Float>, _ row: CacheRow
  ) {
    unsafe precondition(slot >= 0 && slot < slab.pointee.count, "no live row in that slot")
    unsafe write(slot, key: key, value: value, row)
  }

  private func write(
    _ slot: Int, key: UnsafePointer<Float>, value: UnsafePointer<Float>, _ row: CacheRow
  ) {
    unsafe (keys + slot * stride).update(from: key, count: stride)
    unsafe (values + slot * stride).update(from: value, count: stride)
    unsafe positions[slot] = row.position
    unsafe births[slot] = row.birth
    unsafe scores[slot] = 0
    unsafe biases[slot] = row.bias
  }

  /// Merges what the plan merges, then frees the planned rows: the last live row moves into each
  /// hole, so no more rows move than go, and no row is ever gathered elsewhere.
  ///
  /// - Precondition: the slots are live and distinct; no row is merged into one that goes.
  package func apply(_ plan: inout EvictionPlan) {
    // Sorted first, so that a plan that is applied twice does the same twice.
    plan.sortDescending()
    for (slot, target) in zip(plan.slots, plan.targets) where target >= 0 {
      unsafe precondition(
        max(slot, target) < count && !plan.slots.contains(target), "plan merges into no survivor")
      unsafe merge(Int(slot), into: Int(target))
    }
    var previous = Int32.max
    for slot in plan.slots {
      let last = unsafe slab.pointee.count - 1
      precondition(slot >= 0 && slot <= last && slot < previous, "plan names no live row")
      previous = slot
      if Int(slot) != last { unsafe move(from: last, to: Int(slot)) }
      unsafe slab.pointee.count = last
    }
  }

  /// Averages two rows by the number of tokens they stand for, their biases being its logarithm.
  private func merge(_ source: Int, into target: Int) {
    let (a, b) = unsafe (exp(biases[source]), exp(biases[target]))
    let share = a / (a + b)
    for column in 0..<(unsafe stride) {
      let (from, into) = unsafe (source * stride + column, target * stride + column)
      unsafe keys[into] += share * (keys[from] - keys[into])
      unsafe values[into] += share * (values[from] - values[into])
    }
    unsafe biases[target] = log(a + b)
    unsafe scores[target] += scores[source]
  }

  private func move(from source: Int, to target: Int) {
    unsafe (keys + target * stride).update(from: keys + source * stride, count: stride)
    unsafe (values + target * stride).update(from: values + source * stride, count: stride)
    unsafe positions[target] = positions[source]
    unsafe births[target] = births[source]
    unsafe scores[target] = scores[source]
    unsafe biases[target] = biases[source]
  }

  /// Inner product of two rows' keys.
  func keyDot(_ a: Int, _ b: Int) -> Float {
    unsafe VectorOperations.dot(keys + a * stride, keys + b * stride, stride)
  }

  /// What merging `slot` with each other row costs: see ``Kernels/mergeCosts``.
  func mergeCosts(
    _ slot: Int, first: Int, before birth: Int32, into costs: UnsafeMutablePointer<Float>
  ) {
    unsafe Kernels.mergeCosts(
      keys: keys, values: values, stride: stride, biases: biases, births: births, before: birth,
      row: slot, first: first, rows: count, dim: stride, into: costs)
  }

  /// What is remembered of the row in `slot`.
  ///
  /// - Precondition: the slot is live.
  func row(_ slot: Int) -> CacheRow {
    unsafe precondition(slot >= 0 && slot < count, "no live row in that slot")
    return unsafe CacheRow(position: positions[slot], birth: births[slot], bias: biases[slot])
  }

  /// Takes over the rows of another head, slot by slot.
  ///
  /// - Precondition: they fit; both have rows of the same width.
  func copy(from other: HeadRows) {
    let count = unsafe other.count
    unsafe precondition(count <= capacity, "capacity below the live rows")
    unsafe keys.update(from: other.keys, count: count * stride)
    unsafe values.update(from: other.values, count: count * stride)
    unsafe positions.update(from: other.positions, count: count)
    unsafe births.update(from: other.births, count: count)
    unsafe scores.update(from: other.scores, count: count)
    unsafe biases.update(from: other.biases, count: count)
    unsafe slab.pointee.count = count
  }

  func removeAll() { unsafe slab.pointee.count = 0 }
}
