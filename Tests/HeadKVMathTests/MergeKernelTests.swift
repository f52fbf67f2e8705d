import HeadKVMath
import Testing

@Suite struct MergeKernelTests {
  @Test(arguments: [1, 2, 7, 33, 100], RowElement.allCases)
  func agreesWithTheTwin(rows: Int, element: RowElement) {
    for dim in [1, 5, 16, 31, 64, 100] { compare(rows, dim, element) }
  }

  private func compare(_ rows: Int, _ dim: Int, _ element: RowElement) {
    var numbers = Numbers(rows * 7 + dim)
    let keys = Block(numbers.list(rows * dim), dim, element)
    let values = Block(numbers.list(rows * dim, scale: 3), dim, element)
    let biases = numbers.list(rows, scale: 4)
    let births = (0..<rows).map { Int32(($0 * 5) % rows) }
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
              born: Int32(from)..<Int32(before), row: row, first: first, rows: rows, dim: dim, into: &costs)
          }
        }
        for other in 0..<rows {
          let takesPart = other >= first && (from..<before).contains(Int(births[other])) && other != row
          #expect(takesPart == (costs[other] < .infinity))
          if takesPart {
            #expect(abs(Double(costs[other]) - expected[other]) <= 2e-5 * expected[other] + 1e-30)
          }
        }
      }
    }
  }
}

@Suite struct MergeScoreTests {
  @Test(arguments: [1, 2, 15, 16, 17, 40, 129]) func agreeWithTheTwins(rows: Int) {
    var numbers = Numbers(rows)
    for (first, before) in [(0, Int32(rows)), (rows / 3, Int32(rows / 2)), (rows, 0)] {
      var scores = numbers.list(rows)
      var costs = numbers.list(rows).map { abs($0) }
      let births = (0..<rows).map { Int32(($0 * 5) % rows) }
      // Ties, rows that take no part, no numbers, and costs too small to be normal.
      for row in stride(from: 2, to: rows, by: 3) { costs[row] = costs[row - 1] }
      for row in stride(from: 1, to: rows, by: 7) { costs[row] = .infinity }
      for row in stride(from: 5, to: rows, by: 31) { costs[row] = .nan }
      for row in stride(from: 6, to: rows, by: 50) { costs[row] = 1e-42 }
      #expect(
        unsafe MergeScores.lowest(scores, births: births, before: before, first: first, rows: rows)
          == ReferenceKernels.lowest(scores, births: births, before: before, first: first))
      var expected = scores
      let least = ReferenceKernels.lower(&expected, to: costs, first: first)
      #expect(unsafe MergeScores.lower(&scores, to: costs, first: first, rows: rows) == least)
      #expect(scores == expected)
    }
  }

  @Test func nothingIsTheLowestOfNothing() {
    var scores: [Float] = [1, .infinity]
    let costs: [Float] = [.infinity, .infinity]
    #expect(unsafe MergeScores.lower(&scores, to: costs, first: 0, rows: 2) == nil)
    #expect(unsafe MergeScores.lowest(scores, births: [5, 0], before: 1, first: 0, rows: 2) == nil)
  }
}

/// Rows without gaps.
private struct Block {
  let element: RowElement
  let dim: Int
  var bytes: [UInt8]
  var scales: [Float] = []
  /// What the rows stand for.
  var values: [Float] = []

  init(_ source: [Float], _ dim: Int, _ element: RowElement) {
    self.element = element
    self.dim = dim
    bytes = Array(repeating: 0, count: source.count * element.byteCount)
    for start in stride(from: 0, to: source.count, by: dim) {
      let row = Array(source[start..<start + dim])
      bytes.withUnsafeMutableBytes {
        scales.append(
          element.store(row, count: dim, into: $0.baseAddress! + start * element.byteCount))
      }
      values += ReferenceRows.rounded(row, element)
    }
  }

  func withRows(_ body: (AttentionRows) -> Void) {
    bytes.withUnsafeBytes { bytes in
      scales.withUnsafeBufferPointer { scales in
        body(
          AttentionRows(
            element, bytes.baseAddress!, stride: dim,
            scales: element.isScaled ? scales.baseAddress! : nil))
      }
    }
  }
}
