import HeadKVMath

/// The order in which rows would be merged, two at a time, if all of them were old.
@unsafe
struct MergeTree {
  private let count: Int
  private let size: Int
  /// Key and value of each cluster, side by side.
  private let centres: UnsafeMutablePointer<Float>
  private var held: [Float]
  private let memory: AlignedMemory

  /// A buffer that may be kept in a copyable value.
  private final class AlignedMemory {
    let buffer: AlignedBuffer<Float>
    init(count: Int) { buffer = AlignedBuffer(count: count, repeating: 0) }
  }

  init(
    keys: UnsafePointer<Float>, values: UnsafePointer<Float>, slots: [Int], counts: [Float],
    size: Int
  ) {
    unsafe count = slots.count
    unsafe self.size = size
    unsafe held = counts
    unsafe memory = AlignedMemory(count: slots.count * 2 * size)
    unsafe centres = memory.buffer.base
    for (row, slot) in slots.enumerated() {
      unsafe (centres + row * 2 * size).update(from: keys + slot * size, count: size)
      unsafe (centres + row * 2 * size + size).update(from: values + slot * size, count: size)
    }
  }

  private func cost(_ a: Int, _ b: Int) -> Float {
    let (x, y) = unsafe (centres + a * 2 * size, centres + b * 2 * size)
    let share = unsafe held[a] * held[b] / (held[a] + held[b])
    let cost =
      unsafe share * share * VectorOperations.squaredDistance(x, y, size)
      * VectorOperations.squaredDistance(x + size, y + size, size)
    // No number is the dearest: there is always a pair to take.
    return cost < .greatestFiniteMagnitude ? cost : .greatestFiniteMagnitude
  }

  /// For each of `levels` the cluster of each row when so many are left, numbered from 0.
  ///
  /// - Parameter levels: ascending.
  /// - Complexity: O(count^2 * size).
  consuming func clusters(_ levels: [Int]) -> [[Int]] {
    var result = unsafe Array(repeating: Array(0..<count), count: levels.count)
    var parent = unsafe Array(0..<count)
    var live = unsafe Array(0..<count)
    // The nearest live row before each one.
    var nearest = unsafe [(cost: Float, row: Int)](repeating: (.infinity, -1), count: count)
    for row in unsafe 0..<count { nearest[row] = unsafe best(row, live) }
    for level in levels.indices.reversed() where levels[level] > 0 {
      while live.count > levels[level] {
        let goes = live.dropFirst().min { nearest[$0].cost < nearest[$1].cost }!
        let stays = nearest[goes].row
        unsafe merge(goes, into: stays)
        parent[goes] = stays
        live.removeAll { $0 == goes }
        for row in live where row >= stays {
          if row == stays || nearest[row].row == goes || nearest[row].row == stays {
            nearest[row] = unsafe best(row, live)
          } else {
            let cost = unsafe cost(row, stays)
            if cost < nearest[row].cost { nearest[row] = (cost, stays) }
          }
        }
      }
      guard unsafe live.count < count else { continue }
      for row in unsafe 0..<count {
        var root = row
        while parent[root] != root { root = parent[root] }
        result[level][row] = live.firstIndex(of: root)!
      }
    }
    return result
  }

  private func best(_ row: Int, _ live: [Int]) -> (cost: Float, row: Int) {
    var best = (cost: Float.infinity, row: -1)
    for other in live {
      if other >= row { break }
      let cost = unsafe cost(row, other)
      if cost < best.cost { best = (cost, other) }
    }
    return best
  }

  private mutating func merge(_ source: Int, into target: Int) {
    let share = unsafe held[source] / (held[source] + held[target])
    let (from, into) = unsafe (centres + source * 2 * size, centres + target * 2 * size)
    for index in unsafe 0..<2 * size { unsafe into[index] += share * (from[index] - into[index]) }
    unsafe held[target] += held[source]
  }
}
