import Foundation
import HeadKVMath

/// The rows of one head as bare memory: the thin layer through which all pointers go.
///
/// Valid while the cache it belongs to lives and is not re-carved. Different heads may be used by
/// different threads at the same time; one head by one thread only.
@unsafe
package struct HeadRows {
  let slab: UnsafeMutablePointer<HeadSlab>
  let base: UnsafeMutableRawPointer

  package var count: Int { unsafe slab.pointee.count }
  package var capacity: Int { unsafe slab.pointee.capacity }
  /// Elements of a key, and of a value.
  package var dimension: Int { unsafe slab.pointee.dimension }
  package var scores: UnsafeMutablePointer<Float> { unsafe column(slab.pointee.scores) }
  package var biases: UnsafeMutablePointer<Float> { unsafe column(slab.pointee.biases) }
  package var positions: UnsafeMutablePointer<Int32> { unsafe column(slab.pointee.positions) }
  package var births: UnsafeMutablePointer<Int32> { unsafe column(slab.pointee.births) }

  package var keys: StoredRows { unsafe stored(slab.pointee.keys, slab.pointee.keyScales) }
  package var values: StoredRows { unsafe stored(slab.pointee.values, slab.pointee.valueScales) }

  private func column<Number>(_ offset: Int) -> UnsafeMutablePointer<Number> {
    unsafe (base + offset).assumingMemoryBound(to: Number.self)
  }

  private func stored(_ offset: Int, _ scales: Int) -> StoredRows {
    let element = unsafe slab.pointee.element
    return unsafe StoredRows(
      element: element, dimension: slab.pointee.dimension, base: base + offset,
      scales: element.isScaled ? column(scales) : nil)
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
    unsafe keys.store(key, at: slot)
    unsafe values.store(value, at: slot)
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
    unsafe keys.merge(source, into: target, share: share)
    unsafe values.merge(source, into: target, share: share)
    unsafe biases[target] = log(a + b)
    unsafe scores[target] += scores[source]
  }

  private func move(from source: Int, to target: Int) {
    unsafe keys.move(from: source, to: target)
    unsafe values.move(from: source, to: target)
    unsafe positions[target] = positions[source]
    unsafe births[target] = births[source]
    unsafe scores[target] = scores[source]
    unsafe biases[target] = biases[source]
  }

  /// Asks for what rules look at after attention.
  package func prefetchColumns() {
    unsafe Kernels.prefetch(scores, count: count)
    unsafe Kernels.prefetch(births, count: count)
  }

  /// Attention of one query over the live rows, as they are stored: see
  /// ``Kernels/attend(query:keys:values:bias:rows:dim:scale:weights:out:)``.
  package func attend(
    query: UnsafePointer<Float>, scale: Float, weights: UnsafeMutablePointer<Float>,
    out: UnsafeMutablePointer<Float>
  ) {
    unsafe Kernels.attend(
      query: query, keys: keys.attention, values: values.attention, bias: biases, rows: count,
      dim: dimension, scale: scale, weights: weights, out: out)
  }

  /// Inner product of two rows' keys.
  func keyDot(_ a: Int, _ b: Int) -> Float { unsafe keys.dot(a, b) }

  /// What merging `slot` with each of `others` costs: see ``Kernels/mergeCosts``.
  func mergeCosts(
    _ slot: Int, _ others: UnsafeBufferPointer<Int32>, adds: Bool,
    into costs: UnsafeMutablePointer<Float>
  ) {
    unsafe Kernels.mergeCosts(
      keys: keys.attention, values: values.attention, biases: biases, row: slot, others: others,
      dim: dimension, adds: adds, into: costs)
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
  /// - Precondition: they fit; both have rows of the same type and width.
  func copy(from other: HeadRows) {
    let count = unsafe other.count
    unsafe precondition(count <= capacity, "capacity below the live rows")
    unsafe keys.copy(from: other.keys, count: count)
    unsafe values.copy(from: other.values, count: count)
    unsafe positions.update(from: other.positions, count: count)
    unsafe births.update(from: other.births, count: count)
    unsafe scores.update(from: other.scores, count: count)
    unsafe biases.update(from: other.biases, count: count)
    unsafe slab.pointee.count = count
  }

  func removeAll() { unsafe slab.pointee.count = 0 }

  /// Makes the first `count` slots live; their rows are still to be written.
  ///
  /// - Precondition: they fit.
  func setCount(_ count: Int) {
    unsafe precondition(count >= 0 && count <= capacity, "capacity below the live rows")
    unsafe slab.pointee.count = count
  }
}
