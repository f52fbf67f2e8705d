import Foundation
import HeadKVCache
import Testing

@Suite struct MergeTreeTests {
  private struct Cluster {
    var key: [Double]
    var value: [Double]
    var count: Double
    var rows: [Int]
  }

  /// Rows merged two at a time, the cheapest pair of all first, until `level` clusters are left.
  private func merged(_ rows: [Cluster], to level: Int) -> [Int] {
    func distance(_ x: [Double], _ y: [Double]) -> Double {
      zip(x, y).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
    }
    func cost(_ a: Cluster, _ b: Cluster) -> Double {
      let share = a.count * b.count / (a.count + b.count)
      return share * share * distance(a.key, b.key) * distance(a.value, b.value)
    }
    var clusters = rows
    while clusters.count > level {
      var best = (cost: Double.infinity, a: 0, b: 0)
      for b in clusters.indices {
        for a in 0..<b where cost(clusters[a], clusters[b]) < best.cost {
          best = (cost(clusters[a], clusters[b]), a, b)
        }
      }
      let gone = clusters.remove(at: best.b)
      let count = clusters[best.a].count + gone.count
      for index in gone.key.indices {
        clusters[best.a].key[index] += gone.count / count * (gone.key[index] - clusters[best.a].key[index])
        clusters[best.a].value[index] +=
          gone.count / count * (gone.value[index] - clusters[best.a].value[index])
      }
      clusters[best.a].count = count
      clusters[best.a].rows += gone.rows
    }
    clusters.sort { $0.rows.min()! < $1.rows.min()! }
    var labels = [Int](repeating: 0, count: rows.count)
    for (label, cluster) in clusters.enumerated() { for row in cluster.rows { labels[row] = label } }
    return labels
  }

  /// The same clusters as when all pairs are compared before each merge, whatever slots rows lie in.
  @Test(arguments: [2, 3, 17, 40], [1, 5, 16, 33])
  func mergesTheCheapestPairs(count: Int, size: Int) {
    var random = SplitMix(state: UInt64(count * 100 + size))
    let slots = Array(0..<count).shuffled(using: &random)
    func vector() -> [Float] { (0..<count * size).map { _ in .random(in: -1...1, using: &random) } }
    let (keys, values) = (vector(), vector())
    let biases: [Float] = (0..<count).map { _ in .random(in: 0...2, using: &random) }
    let rows = slots.enumerated().map { row, slot in
      func part(_ all: [Float]) -> [Double] { all[slot * size..<(slot + 1) * size].map(Double.init) }
      return Cluster(
        key: part(keys), value: part(values), count: exp(Double(biases[row])), rows: [row])
    }
    let levels = [0, 1, 2, 5, 16, 100]
    let found = unsafe keys.withUnsafeBufferPointer { keys in
      unsafe values.withUnsafeBufferPointer { values in
        unsafe MergeTree(
          keys: keys.baseAddress!, values: values.baseAddress!, slots: slots, biases: biases,
          size: size, rule: PairwiseMerging(partners: 100, rests: false)
        ).clusters(levels)
      }
    }
    for (level, found) in zip(levels, found) {
      #expect(found == (level == 0 ? Array(0..<count) : merged(rows, to: level)), "\(level) left")
    }
  }

  /// Rows that are no numbers are merged last.
  @Test func takesNaN() {
    let keys: [Float] = [0, .nan, 0.1, 5]
    let found = unsafe keys.withUnsafeBufferPointer { keys in
      unsafe MergeTree(
        keys: keys.baseAddress!, values: keys.baseAddress!, slots: [0, 1, 2, 3],
        biases: [0, 0, 0, 0], size: 1
      ).clusters([1, 2, 3])
    }
    #expect(found == [[0, 0, 0, 0], [0, 1, 0, 0], [0, 1, 0, 2]])
  }
}
