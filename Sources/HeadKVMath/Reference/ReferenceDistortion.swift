import Foundation

/// ``AskedQueries`` by its definition, in plain loops.
package struct ReferenceDistortion {
  /// `[rows][size]`, the prefix first; likewise values.
  package var keys: [[Float]]
  package var values: [[Float]]
  package var counts: [Float]
  package var prefix: Int
  package var queries: [[Float]]
  /// Rows that each query sees.
  package var seen: [Int]

  package init(
    keys: [[Float]], values: [[Float]], counts: [Float], prefix: Int, queries: [[Float]],
    seen: [Int]
  ) {
    self.keys = keys
    self.values = values
    self.counts = counts
    self.prefix = prefix
    self.queries = queries
    self.seen = seen
  }

  /// What ``AskedQueries/addErrors(clusters:of:fewest:horizon:room:to:)`` adds up.
  package func errors(
    clusters: Int, of cluster: [Int], fewest: Double, horizon: Double?
  ) -> [Double] {
    var errors = [Double](repeating: 0, count: keys.count - prefix)
    for (query, seen) in zip(queries, seen) {
      for first in prefix..<max(seen, prefix) {
        let old = prefix..<first
        let tokens = old.reduce(0.0) { $0 + Double(counts[$1]) }
        guard tokens >= fewest else { continue }
        let window = seen - first - 1
        let growth = horizon.map { max(($0 - Double(window)) / tokens, 1) } ?? 1
        let kept = (0..<prefix).map(row) + (first..<seen).map(row)
        let merged = (0..<clusters).compactMap { number in
          mean(old.filter { cluster[$0 - prefix] == number })
        }
        let exact = output(query, kept, old.map(row), growth)
        let found = output(query, kept, merged, growth)
        errors[window] += zip(exact, found).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
      }
    }
    return errors
  }

  private typealias Row = (key: [Double], value: [Double], count: Double)

  private func row(_ index: Int) -> Row {
    (keys[index].map { Double($0) }, values[index].map { Double($0) }, Double(counts[index]))
  }

  /// The mean of some rows, which stands for all of their tokens; nil of none.
  private func mean(_ rows: [Int]) -> Row? {
    if rows.isEmpty { return nil }
    let rows = rows.map(row)
    let count = rows.reduce(0) { $0 + $1.count }
    func mean(_ vectors: [[Double]]) -> [Double] {
      vectors[0].indices.map { index in
        zip(rows, vectors).reduce(0) { $0 + $1.0.count * $1.1[index] } / count
      }
    }
    return (mean(rows.map(\.key)), mean(rows.map(\.value)), count)
  }

  /// Attention over `kept`, and over `old` as if each of these stood for `growth` times its tokens.
  private func output(
    _ query: [Float], _ kept: [Row], _ old: [Row], _ growth: Double
  ) -> [Double] {
    let scale = 1 / Double(query.count).squareRoot()
    var sum = [Double](repeating: 0, count: query.count)
    var mass = 0.0
    for (row, factor) in kept.map({ ($0, 1.0) }) + old.map({ ($0, growth) }) {
      let logit = zip(query, row.key).reduce(0) { $0 + Double($1.0) * $1.1 } * scale
      let weight = factor * row.count * Foundation.exp(logit)
      mass += weight
      for index in sum.indices { sum[index] += weight * row.value[index] }
    }
    return sum.map { $0 / mass }
  }
}
