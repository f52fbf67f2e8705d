import Foundation

/// The kernels as one would write them down, in Double: the measure for the fast ones.
package enum ReferenceKernels {
  /// y[m][n] = dot(x row m, w row n); x [m, k] and w [n, k] without gaps.
  package static func linear(_ x: [Float], _ w: [Float], m: Int, n: Int, k: Int) -> [Double] {
    var y = [Double](repeating: 0, count: m * n)
    for row in 0..<m {
      for column in 0..<n {
        var sum = 0.0
        for i in 0..<k { sum += Double(x[row * k + i]) * Double(w[column * k + i]) }
        y[row * n + column] = sum
      }
    }
    return y
  }

  package static func softmax(_ x: [Double]) -> [Double] {
    guard let top = x.max(), top > -.infinity else { return x.map { _ in 0 } }
    let powers = x.map { Foundation.exp($0 - top) }
    let total = powers.reduce(0, +)
    return powers.map { $0 / total }
  }

  /// Attention of one query; keys and values [rows, dim] without gaps.
  package static func attend(
    query: [Float], keys: [Float], values: [Float], bias: [Float]?, rows: Int, scale: Float
  ) -> (weights: [Double], out: [Double]) {
    let dim = query.count
    var scores = [Double](repeating: 0, count: rows)
    for r in 0..<rows {
      var sum = 0.0
      for d in 0..<dim { sum += Double(query[d]) * Double(keys[r * dim + d]) }
      scores[r] = sum * Double(scale) + Double(bias?[r] ?? 0)
    }
    let weights = softmax(scores)
    var out = [Double](repeating: 0, count: dim)
    for r in 0..<rows {
      for d in 0..<dim { out[d] += weights[r] * Double(values[r * dim + d]) }
    }
    return (weights, out)
  }

  package static func rmsNorm(_ x: [Float], weight: [Float], epsilon: Float) -> [Double] {
    let mean = x.reduce(0.0) { $0 + Double($1) * Double($1) } / Double(Swift.max(x.count, 1))
    let scale = 1 / (mean + Double(epsilon)).squareRoot()
    return zip(x, weight).map { Double($0) * scale * Double($1) }
  }

  package static func silu(_ x: Float) -> Double {
    Double(x) / (1 + Foundation.exp(-Double(x)))
  }

  package static func geluTanh(_ x: Float) -> Double {
    let x = Double(x)
    let u = (2 / Double.pi).squareRoot() * (x + 0.044715 * x * x * x)
    return 0.5 * x * (1 + Foundation.tanh(u))
  }

  /// Turns the interleaved pairs of `x` by the angles whose cosine and sine `cosSin` holds.
  package static func rotatePairs(_ x: [Float], cosSin: [Float]) -> [Double] {
    var out = [Double](repeating: 0, count: x.count)
    for i in stride(from: 0, to: x.count, by: 2) {
      let (a, b) = (Double(x[i]), Double(x[i + 1]))
      let (c, s) = (Double(cosSin[i]), Double(cosSin[i + 1]))
      out[i] = a * c - b * s
      out[i + 1] = a * s + b * c
    }
    return out
  }

  /// ``MergeScores/lowest(_:births:before:first:rows:)`` in plain loops.
  package static func lowest(
    _ scores: [Float], births: [Int32], before: Int32, first: Int
  ) -> Int? {
    var lowest: Int?
    for row in first..<scores.count where births[row] < before {
      if scores[row] < (lowest.map { scores[$0] } ?? .infinity) { lowest = row }
    }
    return lowest
  }

  /// ``MergeScores/row(of:in:births:before:first:rows:)`` in plain loops.
  package static func row(
    of score: Float, in scores: [Float], births: [Int32], before: Int32, first: Int
  ) -> Int? {
    (first..<scores.count).first { births[$0] < before && scores[$0] == score }
  }

  /// The rows that ``Kernels/list(births:born:without:first:rows:into:)`` lists.
  package static func list(births: [Int32], born: Range<Int32>, without row: Int, first: Int) -> [Int] {
    (first..<births.count).filter { $0 != row && born.contains(births[$0]) }
  }

  /// What merging row `row` of K and V `[rows, dim]` with each other row costs.
  package static func mergeCosts(
    keys: [Float], values: [Float], biases: [Float], dim: Int, row: Int
  ) -> [Double] {
    func squaredDistance(_ x: [Float], _ other: Int) -> Double {
      (0..<dim).reduce(0.0) {
        let difference = Double(x[row * dim + $1]) - Double(x[other * dim + $1])
        return $0 + difference * difference
      }
    }
    return biases.indices.map { other in
      if other == row { return .infinity }
      let (a, b) = (Foundation.exp(Double(biases[row])), Foundation.exp(Double(biases[other])))
      let share = a * b / (a + b)
      return share * share * squaredDistance(keys, other) * squaredDistance(values, other)
    }
  }
}
