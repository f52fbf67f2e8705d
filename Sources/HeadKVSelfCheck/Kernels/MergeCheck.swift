import HeadKVMath

/// The costs of merging rows, and their bounds, against plain loops.
package enum MergeCheck {
  /// The worst error of a cost in units of its bound; infinite if a row takes part that should not.
  package static func costs(_ element: RowElement, rows: Int, dim: Int) -> Double {
    var numbers = Numbers(rows * 7 + dim)
    let keys = StoredRows(numbers.list(rows * dim), dim, element)
    let values = StoredRows(numbers.list(rows * dim, scale: 3), dim, element)
    let biases = numbers.list(rows, scale: 4)
    let births = births(rows)
    var worst = 0.0
    for row in [0, rows / 2, rows - 1] {
      let expected = ReferenceKernels.mergeCosts(
        keys: keys.values, values: values.values, biases: biases, dim: dim, row: row)
      for (first, from, before) in [
        (0, 0, rows), (row / 2, 0, rows / 2), (row / 3, rows / 3, rows - rows / 5),
      ] {
        var costs = [Float](repeating: .nan, count: rows)
        unsafe keys.withRows { keys in
          unsafe values.withRows { values in
            unsafe Kernels.mergeCosts(
              keys: keys, values: values, biases: biases, births: births,
              born: Int32(from)..<Int32(before), row: row, first: first, rows: rows, dim: dim,
              into: &costs)
          }
        }
        for other in 0..<rows {
          let takesPart =
            other >= first && (from..<before).contains(Int(births[other])) && other != row
          guard takesPart == (costs[other] < .infinity) else { return .infinity }
          if takesPart {
            worst = max(
              worst,
              worstError([costs[other]], [expected[other]]) { _ in 2e-5 * expected[other] + 1e-30 })
          }
        }
      }
    }
    return worst
  }

  /// Whether bounds and the lowest of them are what the twins say, to the last bit.
  package static func scores(rows: Int) -> Bool {
    var numbers = Numbers(rows)
    for (first, before) in [(0, Int32(rows)), (rows / 3, Int32(rows / 2)), (rows, 0)] {
      var scores = numbers.list(rows)
      var costs = numbers.list(rows).map { abs($0) }
      let births = births(rows)
      // Ties, rows that take no part, no numbers, and costs too small to be normal.
      for row in stride(from: 2, to: rows, by: 3) { costs[row] = costs[row - 1] }
      for row in stride(from: 1, to: rows, by: 7) { costs[row] = .infinity }
      for row in stride(from: 5, to: rows, by: 31) { costs[row] = .nan }
      for row in stride(from: 6, to: rows, by: 50) { costs[row] = 0x1p-139 }
      let lowest = unsafe MergeScores.lowest(
        scores, births: births, before: before, first: first, rows: rows)
      let known = ReferenceKernels.lowest(scores, births: births, before: before, first: first)
      var expected = scores
      let least = ReferenceKernels.lower(&expected, to: costs, first: first)
      let found = unsafe MergeScores.lower(&scores, to: costs, first: first, rows: rows)
      guard lowest == known && found == least && scores == expected else { return false }
    }
    return true
  }

  private static func births(_ rows: Int) -> [Int32] { (0..<rows).map { Int32(($0 * 5) % rows) } }
}
