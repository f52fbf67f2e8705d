import HeadKVMath

/// How rows move inside one allocation from one layout to another.
///
/// Runs are packed towards the start in ascending order and then spread in descending order. Both
/// layouts have the runs in the same order and room for the live rows, so no run is overwritten
/// before it has moved, and no second copy is needed.
struct Recarving {
  private struct Run {
    let old: Int
    let packed: Int
    let new: Int
    let bytes: Int
  }
  private var runs: [Run] = []

  /// - Precondition: no capacity is below the head's live rows.
  /// - Parameters:
  ///   - heads: heads of a layer.
  ///   - slabs: the present slabs with their live rows, layer by layer.
  init(heads: Int, from slabs: [HeadSlab], to layout: SlabLayout) {
    precondition(slabs.count == layout.slabs.count, "one capacity for each head")
    var packed = 0
    func add(_ old: Int, _ new: Int, _ bytes: Int) {
      runs.append(Run(old: old, packed: packed, new: new, bytes: bytes))
      packed += bytes
    }
    runs.reserveCapacity(8 * slabs.count)
    for first in stride(from: 0, to: slabs.count, by: heads) {
      for index in first..<first + heads {
        let (old, new) = (slabs[index], layout.slabs[index])
        precondition(old.count <= new.capacity, "capacity below the live rows")
        let bytes = old.count * old.dimension * old.element.byteCount
        add(old.keys, new.keys, bytes)
        add(old.values, new.values, bytes)
      }
      for index in first..<first + heads {
        let (old, new) = (slabs[index], layout.slabs[index])
        let bytes = 4 * old.count
        add(old.positions, new.positions, bytes)
        add(old.births, new.births, bytes)
        add(old.scores, new.scores, bytes)
        add(old.biases, new.biases, bytes)
        guard old.element.isScaled else { continue }
        add(old.keyScales, new.keyScales, bytes)
        add(old.valueScales, new.valueScales, bytes)
      }
    }
  }

  /// Moves all runs.
  ///
  /// - Precondition: the allocation has room for both layouts.
  func apply(to base: UnsafeMutableRawPointer) {
    for run in runs {
      unsafe (base + run.packed).copyMemory(from: base + run.old, byteCount: run.bytes)
    }
    for run in runs.reversed() {
      unsafe (base + run.new).copyMemory(from: base + run.packed, byteCount: run.bytes)
    }
  }
}
