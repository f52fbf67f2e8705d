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
        let born = Int32(from)..<Int32(before)
        let others = ReferenceKernels.list(
          births: births, born: born, without: row, first: first)
        var room = [Int32](repeating: -1, count: rows)
        // Twice: the second time what was found before is a summand.
        var costs = [Float](repeating: .nan, count: others.count)
        let listed = unsafe room.withUnsafeMutableBufferPointer { room in
          let list = unsafe Kernels.list(
            births: births, born: born, without: row, first: first, rows: rows,
            into: room.baseAddress!)
          unsafe keys.withRows { keys in
            unsafe values.withRows { values in
              for adds in [false, true] where list.count == costs.count {
                unsafe Kernels.mergeCosts(
                  keys: keys, values: values, biases: biases, row: row, others: list, dim: dim,
                  adds: adds, into: &costs)
              }
            }
          }
          return unsafe list.map { Int($0) }
        }
        guard listed == others else { return .infinity }
        let twice = others.map { 2 * expected[$0] }
        worst = max(
          worst,
          worstError(costs, twice) { 2e-5 * twice[$0] + 1e-30 })
      }
    }
    return worst
  }

  /// Whether the lowest of some bounds, and the next that is like it, are what the twins say.
  package static func scores(rows: Int) -> Bool {
    var numbers = Numbers(rows)
    for (first, before) in [(0, Int32(rows)), (rows / 3, Int32(rows / 2)), (rows, 0)] {
      var scores = numbers.list(rows)
      let births = births(rows)
      // Ties, and rows that take no part.
      for row in stride(from: 2, to: rows, by: 3) { scores[row] = scores[row - 1] }
      for row in stride(from: 1, to: rows, by: 7) { scores[row] = .infinity }
      let lowest = unsafe MergeScores.lowest(
        scores, births: births, before: before, first: first, rows: rows)
      let known = ReferenceKernels.lowest(scores, births: births, before: before, first: first)
      guard lowest == known else { return false }
      for row in stride(from: 0, to: rows, by: 5) where scores[row].isFinite {
        let equal = unsafe MergeScores.row(
          of: scores[row], in: scores, births: births, before: before, first: first, rows: rows)
        let known = ReferenceKernels.row(
          of: scores[row], in: scores, births: births, before: before, first: first)
        guard equal == known else { return false }
      }
    }
    return true
  }

  private static func births(_ rows: Int) -> [Int32] { (0..<rows).map { Int32(($0 * 5) % rows) } }
}
