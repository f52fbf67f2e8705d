import HeadKVMath
import Testing

@Suite struct MergeKernelTests {
  @Test(arguments: [1, 2, 7, 33, 100], [1, 5, 16, 31, 64, 100])
  func agreesWithTheTwin(rows: Int, dim: Int) {
    var numbers = Numbers(rows * 7 + dim)
    let (keys, values) = (numbers.list(rows * dim), numbers.list(rows * dim, scale: 3))
    let biases = numbers.list(rows, scale: 4)
    let births = (0..<rows).map { Int32(($0 * 5) % rows) }
    for row in [0, rows / 2, rows - 1] {
      let expected = ReferenceKernels.mergeCosts(
        keys: keys, values: values, biases: biases, dim: dim, row: row)
      for (first, before) in [(0, Int32(rows)), (row / 2, Int32(rows / 2))] {
        var costs = [Float](repeating: .nan, count: rows)
        unsafe Kernels.mergeCosts(
          keys: keys, values: values, stride: dim, biases: biases, births: births, before: before,
          row: row, first: first, rows: rows, dim: dim, into: &costs)
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
