import Foundation
import HeadKVMath

/// The order in which rows would be merged, two at a time, if all of them were old: the pair that
/// ``PairwiseMerging`` finds cheapest first, among all rows.
@safe
package struct MergeTree: ~Copyable {
  private let count: Int
  private let size: Int
  /// Keys of all clusters, then their values.
  private let centres: AlignedBuffer<Float>
  /// Columns of `count`: what the nearest live row before each one costs, logarithms of the numbers
  /// of tokens, and room for costs.
  private let columns: AlignedBuffer<Float>
  /// Number of each row, -1 once it is part of another.
  private let births: AlignedBuffer<Int32>
  /// The nearest live row before each one.
  private let nearest: AlignedBuffer<Int32>
  /// Room for a list of rows.
  private let list: AlignedBuffer<Int32>

  private var keys: UnsafeMutablePointer<Float> { unsafe centres.base }
  private var values: UnsafeMutablePointer<Float> { unsafe centres.base + count * size }
  private var distances: UnsafeMutablePointer<Float> { unsafe columns.base }
  private var biases: UnsafeMutablePointer<Float> { unsafe columns.base + count }
  /// What merging a row with those of a list costs, one after another.
  private var costs: UnsafeMutablePointer<Float> { unsafe columns.base + 2 * count }

  /// - Parameters:
  ///   - keys: rows of `size`; `values` likewise.
  ///   - slots: where the rows lie, in their order.
  ///   - biases: logarithms of the numbers of tokens that the rows stand for, in the same order.
  package init(
    keys: UnsafePointer<Float>, values: UnsafePointer<Float>, slots: [Int], biases: [Float],
    size: Int
  ) {
    count = slots.count
    self.size = size
    centres = AlignedBuffer(count: 2 * count * size, repeating: 0)
    columns = AlignedBuffer(count: 3 * count, repeating: 0)
    births = AlignedBuffer(count: count, repeating: 0)
    nearest = AlignedBuffer(count: count, repeating: -1)
    list = AlignedBuffer(count: count, repeating: 0)
    for (row, slot) in slots.enumerated() {
      unsafe (self.keys + row * size).update(from: keys + slot * size, count: size)
      unsafe (self.values + row * size).update(from: values + slot * size, count: size)
      unsafe births.base[row] = Int32(row)
      unsafe self.biases[row] = biases[row]
    }
  }

  /// For each of `levels` the cluster of each row when so many are left, numbered from 0 in the
  /// order of their first rows.
  ///
  /// - Parameter levels: ascending; those of 0, and those that are not reached, have each row alone.
  /// - Complexity: O(count^2 * size).
  package consuming func clusters(_ levels: [Int]) -> [[Int]] {
    var result = Array(repeating: Array(0..<count), count: levels.count)
    var parent = Array(0..<count)
    var live = count
    for row in 0..<count { findNearest(row) }
    for level in levels.indices.reversed() where levels[level] > 0 {
      while live > levels[level] {
        let (source, target) = cheapest()
        merge(source, into: target)
        parent[source] = target
        live -= 1
        lookAgain(from: target, without: source)
      }
      if live < count { result[level] = labels(parent) }
    }
    return result
  }

  /// Each row's cluster. A row's parent stands before it.
  private func labels(_ parent: [Int]) -> [Int] {
    var labels = [Int](repeating: 0, count: count)
    var next = 0
    for row in 0..<count {
      if parent[row] == row {
        labels[row] = next
        next += 1
      } else {
        labels[row] = labels[parent[row]]
      }
    }
    return labels
  }

  /// Live rows in `range` other than `row`, and in ``costs`` what merging it with each of them costs.
  private func fillCosts(of row: Int, with range: Range<Int>) -> UnsafeBufferPointer<Int32> {
    let others = unsafe Kernels.list(
      births: births.base, born: 0..<Int32(count), without: row, first: range.lowerBound,
      rows: range.upperBound, into: list.base)
    unsafe Kernels.mergeCosts(
      keys: AttentionRows(.f32, keys, stride: size),
      values: AttentionRows(.f32, values, stride: size), biases: biases, row: row, others: others,
      dim: size, into: costs)
    return unsafe others
  }

  /// Looks for the nearest live row before `row`.
  private func findNearest(_ row: Int) {
    unsafe distances[row] = .infinity
    if row == 0 { return }
    let others = unsafe fillCosts(of: row, with: 0..<row)
    // The first row never goes, and no number is the dearest: there is always a pair to take.
    var best = (row: 0, cost: Float.greatestFiniteMagnitude)
    for index in others.indices where unsafe costs[index] < best.cost {
      best = unsafe (Int(others[index]), costs[index])
    }
    unsafe distances[row] = best.cost
    unsafe nearest.base[row] = Int32(best.row)
  }

  /// The row whose nearest is the nearest of all, and that one.
  private func cheapest() -> (source: Int, target: Int) {
    guard
      let row = unsafe MergeScores.lowest(
        distances, births: births.base, before: Int32(count), first: 0, rows: count)
    else { preconditionFailure("a tree has two rows to merge") }
    return (row, Int(unsafe nearest.base[row]))
  }

  private func merge(_ source: Int, into target: Int) {
    let (a, b) = unsafe (exp(biases[source]), exp(biases[target]))
    let share = a / (a + b)
    unsafe move(keys + target * size, towards: keys + source * size, by: share)
    unsafe move(values + target * size, towards: values + source * size, by: share)
    unsafe biases[target] = log(a + b)
    unsafe births.base[source] = -1
    unsafe distances[source] = .infinity
  }

  private func move(
    _ row: UnsafeMutablePointer<Float>, towards other: UnsafePointer<Float>, by share: Float
  ) {
    for index in 0..<size { unsafe row[index] += share * (other[index] - row[index]) }
  }

  /// Finds the nearest rows anew after `target` has taken in `source`.
  private func lookAgain(from target: Int, without source: Int) {
    var stale: [Int] = [target]
    let others = unsafe fillCosts(of: target, with: target + 1..<count)
    for index in others.indices {
      let row = unsafe Int(others[index])
      let was = unsafe Int(nearest.base[row])
      if was == source || was == target {
        stale.append(row)
      } else if unsafe costs[index] < distances[row] {
        unsafe distances[row] = costs[index]
        unsafe nearest.base[row] = Int32(target)
      }
    }
    for row in stale { findNearest(row) }
  }
}
