import HeadKVMath

/// The order in which ``PairwiseMerging`` merges a head's rows if all of them are old.
///
/// The rule is asked, and its plans are applied, on a copy of the rows. It looks at twice as many
/// partners as it does while a picture is drawn, where rows that stay have thinned out before: with
/// as many, 0.0003 nats a token are lost at a sixth of the rows.
@safe
package struct MergeTree: ~Copyable {
  private let count: Int
  private let memory: AlignedBuffer<UInt8>
  private let slab: AlignedBuffer<HeadSlab>
  private let rule: PairwiseMerging
  /// For each row the one it was merged into; itself while it is live.
  private var parents: [Int]

  /// - Parameters:
  ///   - keys: rows of `size`; `values` likewise.
  ///   - slots: where the rows lie, in their order.
  ///   - biases: logarithms of the numbers of tokens that the rows stand for, in the same order.
  package init(
    keys: UnsafePointer<Float>, values: UnsafePointer<Float>, slots: [Int], biases: [Float],
    size: Int, rule: PairwiseMerging = PairwiseMerging(partners: 32)
  ) {
    count = slots.count
    self.rule = rule
    parents = Array(0..<count)
    let layout = SlabLayout(
      headDimension: size, element: .f32,
      capacities: HeadMap(repeating: count, layers: 1, heads: 1))
    memory = AlignedBuffer(count: layout.byteCount, repeating: 0)
    slab = AlignedBuffer(count: 1, repeating: layout.slabs[0])
    for (row, slot) in slots.enumerated() {
      unsafe rows.append(
        key: keys + slot * size, value: values + slot * size,
        CacheRow(position: Int32(row), birth: Int32(row), bias: biases[row]))
    }
  }

  /// Births are the rows' numbers.
  private var rows: HeadRows { unsafe HeadRows(slab: slab.base, base: memory.base) }

  /// For each of `levels` the cluster of each row when so many are left, numbered from 0 in the
  /// order of their first rows.
  ///
  /// - Parameter levels: ascending; those of 0, and those that are not reached, have each row alone.
  /// - Complexity: O(count * (count + partners * size)).
  package consuming func clusters(_ levels: [Int]) -> [[Int]] {
    var result = Array(repeating: Array(0..<count), count: levels.count)
    var plan = EvictionPlan(reserving: count)
    for level in levels.indices.reversed() where levels[level] > 0 {
      while unsafe rows.count > levels[level] { merge(&plan) }
      if unsafe rows.count < count { result[level] = labels() }
    }
    return result
  }

  private mutating func merge(_ plan: inout EvictionPlan) {
    let view = unsafe HeadView(rows, weights: nil, queries: 0)
    // A window of nothing: all rows are old.
    let step = HeadStep(
      layer: 0, head: 0, now: Int32(count - 1), tokens: count, prefixRows: 0, newRows: 0,
      grid: TokenGrid(width: count, height: 1))
    plan.removeAll()
    rule.plan(surplus: 1, HeadBudget(rows: view.count - 1, window: 0), view, step, into: &plan)
    // No pair costs a finite number.
    if plan.isEmpty { plan.merge(slot: view.count - 1, into: 0) }
    parents[Int(view.birth(Int(plan.slots[0])))] = Int(view.birth(Int(plan.targets[0])))
    unsafe rows.apply(&plan)
  }

  /// Each row's cluster.
  private func labels() -> [Int] {
    var numbers = [Int](repeating: -1, count: count)
    var next = 0
    return parents.indices.map { row in
      var root = row
      while parents[root] != root { root = parents[root] }
      if numbers[root] < 0 {
        numbers[root] = next
        next += 1
      }
      return numbers[root]
    }
  }
}
