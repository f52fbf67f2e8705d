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
      for (first, before) in [(0, Int32(rows)), (row / 2, Int32(rows / 2))] {
        var costs = [Float](repeating: .nan, count: rows)
        unsafe keys.withRows { keys in
          unsafe values.withRows { values in
            unsafe Kernels.mergeCosts(
              keys: keys, values: values, biases: biases, births: births, before: before,
              row: row, first: first, rows: rows, dim: dim, into: &costs)
          }
        }
        for other in 0..<rows {
          let takesPart = other >= first && births[other] < before && other != row
          #expect(takesPart == (costs[other] < .infinity))
          if takesPart {
            #expect(abs(Double(costs[other]) - expected[other]) <= 2e-5 * expected[other] + 1e-30)
          }
        }
      }
    }
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
