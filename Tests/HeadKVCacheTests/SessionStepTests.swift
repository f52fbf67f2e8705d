import Foundation
import HeadKVCache
import Testing

/// Steps of a model of one's own, by the public calls alone.
@Suite struct SessionStepTests {
  private let shape = SequenceShape(
    layers: 2, heads: 3, headDimension: 5, prefixRows: 1, grid: TokenGrid(width: 4, height: 4),
    rowsPerStep: 2)

  /// Softmax attention of one head in plain loops.
  private func attention(
    _ query: ArraySlice<Float>, _ keys: [ArraySlice<Float>], _ values: [ArraySlice<Float>]
  ) -> [Double] {
    let weights = keys.map { key in
      exp(zip(query, key).reduce(0.0) { $0 + Double($1.0) * Double($1.1) } / 5.0.squareRoot())
    }
    let sum = weights.reduce(0, +)
    return (0..<5).map { index in
      zip(weights, values).reduce(0.0) { $0 + $1.0 / sum * Double($1.1[$1.1.startIndex + index]) }
    }
  }

  /// What comes out is attention over the rows that the policy keeps, whatever the order of tokens
  /// and however many come in a step.
  @Test(arguments: ["full", "window"]) func attendsOverWhatIsKept(policy: String) throws {
    let session = CacheSession(
      try PolicyCatalog.make(policy, budget: policy == "full" ? nil : .rows(7), shape: shape))
    var random = SplitMix(state: 8)
    let order: [Int32] = [0, 5, 1, 9, 2, 12, 3, 7, 4, 15, 8, 6, 11, 10, 13]
    var steps: [[Int32]] = [[-1]]
    for index in stride(from: 0, to: order.count, by: 2) {
      steps.append(Array(order[index..<min(index + 2, order.count)]))
    }
    // Keys and values of all rows so far, by layer.
    var history = [[(step: Int, key: [Float], value: [Float])]](repeating: [], count: 2)
    for (step, positions) in steps.enumerated() {
      session.startStep(positions: positions.span)
      for layer in 0..<2 {
        func vectors() -> [Float] {
          (0..<positions.count * 15).map { _ in .random(in: -2...2, using: &random) }
        }
        let (queries, keys, values) = (vectors(), vectors(), vectors())
        for row in positions.indices {
          history[layer].append(
            (step, Array(keys[row * 15..<row * 15 + 15]), Array(values[row * 15..<row * 15 + 15])))
        }
        // The window of six rows beside the prefix, and this step's.
        let live = history[layer].enumerated().filter { index, row in
          policy == "full" || index == 0 || row.step == step
            || index >= history[layer].count - positions.count - 6
        }.map(\.element)
        var output = [Float](repeating: .nan, count: queries.count)
        var span = output.mutableSpan
        session.attend(
          layer: layer, queries: queries.span, keys: keys.span, values: values.span, into: &span)
        for row in positions.indices {
          for head in 0..<3 {
            let at = head * 5..<head * 5 + 5
            let start = row * 15 + head * 5
            let expected = attention(
              queries[start..<start + 5], live.map { $0.key[at] }, live.map { $0.value[at] })
            for index in 0..<5 {
              #expect(abs(Double(output[start + index]) - expected[index]) < 1e-5)
            }
          }
        }
      }
      session.endStep()
    }
    #expect(session.tokens == 15 && session.liveRows == (policy == "full" ? 16 : 7) * 6)
    #expect(session.row(layer: 1, head: 2, slot: 0).position == -1)
  }

  /// A policy that measures heads gets the queries, too.
  @Test func autoSetsBudgets() throws {
    let shape = SequenceShape(
      layers: 1, heads: 2, headDimension: 8, prefixRows: 1, grid: TokenGrid(width: 8, height: 8))
    let session = CacheSession(try PolicyCatalog.make("auto", budget: .rows(12), shape: shape))
    var random = SplitMix(state: 2)
    for token in -1..<63 {
      session.startStep(positions: [Int32(token)].span)
      let all: [Float] = (0..<16).map { _ in .random(in: -1...1, using: &random) }
      var output = all
      var span = output.mutableSpan
      session.attend(layer: 0, queries: all.span, keys: all.span, values: all.span, into: &span)
      session.endStep()
    }
    #expect(!session.isProfiling && session.liveRows <= 24)
    #expect(session.budgets.values.reduce(0) { $0 + $1.rows } == 24)
  }
}
