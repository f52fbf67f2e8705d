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
    let words: Int
  }
  private var runs: [Run] = []

  /// - Precondition: no capacity is below the head's live rows.
  /// - Parameters:
  ///   - heads: heads of a layer.
  ///   - slabs: the present slabs with their live rows, layer by layer.
  init(heads: Int, from slabs: [HeadSlab], to layout: SlabLayout) {
    precondition(slabs.count == layout.slabs.count, "one capacity for each head")
    var packed = 0
    func add(_ old: Int, _ new: Int, _ words: Int) {
      runs.append(Run(old: old, packed: packed, new: new, words: words))
      packed += words
    }
    runs.reserveCapacity(6 * slabs.count)
    for first in stride(from: 0, to: slabs.count, by: heads) {
      for index in first..<first + heads {
        let (old, new) = (slabs[index], layout.slabs[index])
        precondition(old.count <= new.capacity, "capacity below the live rows")
        add(old.keys, new.keys, old.count * old.stride)
        add(old.values, new.values, old.count * old.stride)
      }
      for index in first..<first + heads {
        let (old, new) = (slabs[index], layout.slabs[index])
        add(old.positions, new.positions, old.count)
        add(old.births, new.births, old.count)
        add(old.scores, new.scores, old.count)
        add(old.biases, new.biases, old.count)
      }
    }
  }

  /// Moves all runs.
  ///
  /// - Precondition: the allocation has room for both layouts.
  func apply(to words: UnsafeMutablePointer<Float>) {
    for run in runs { unsafe (words + run.packed).update(from: words + run.old, count: run.words) }
    for run in runs.reversed() {
      unsafe (words + run.new).update(from: words + run.packed, count: run.words)
    }
  }
}
