import Testing

import HeadKVMath
import HeadKVSelfCheck

@Suite struct AttentionKernelTests {
  @Test(arguments: [false, true])
  func equalsTheReferenceOnOddSizes(_ biased: Bool) {
    for rows in [1, 2, 3, 4, 7, 8, 9, 17, 43, 100, 257] {
      for dim in [1, 7, 16, 31, 32, 64, 65, 100, 128, 130] {
        let worst = AttentionCheck.attend(.f32, rows: rows, dim: dim, biased: biased)
        #expect(worst <= 1, "\(rows) rows of \(dim)")
      }
    }
  }

  /// The fused pass against three calls of OpenBLAS a head.
  @Test(arguments: [false, true]) func equalsOpenBLAS(_ biased: Bool) {
    for rows in [1, 2, 9, 43, 257] {
      for dim in [1, 31, 32, 64, 100] {
        let one = AttentionCase(rows: rows, dim: dim, biased: biased)
        let found = one.attend()
        let expected = BLASAttention.attend(
          query: one.query, keys: one.keys, values: one.values, bias: one.bias, rows: rows,
          scale: one.scale)
        // Both are as far from the exact result at most.
        let bound = 2 * one.weightBound
        #expect(
          worstError(found.weights, expected.weights.map(Double.init)) {
            bound * Double(expected.weights[$0]) + 1e-30
          } <= 1, "weights of \(rows) rows of \(dim)")
        #expect(
          worstError(found.out, expected.out.map(Double.init)) { _ in
            bound + 2 * Double(rows) * 0x1p-24
          } <= 1, "output of \(rows) rows of \(dim)")
      }
    }
  }

  /// Rows of every type against the twin on the values that they stand for.
  @Test(arguments: RowElement.allCases, [false, true])
  func equalsTheReferenceForEveryRowType(_ type: RowElement, _ biased: Bool) {
    for rows in [1, 3, 4, 9, 43, 100] {
      for dim in [1, 15, 16, 33, 48, 64, 100, 128, 144] {
        let worst = AttentionCheck.attend(type, rows: rows, dim: dim, biased: biased)
        #expect(worst <= 1, "\(rows) rows of \(dim)")
      }
    }
  }

  @Test func theOrderOfRowsMeansNothing() {
    let one = AttentionCase(rows: 61, dim: 48, biased: true)
    var turned = one
    let order = (0..<61).map { ($0 * 17 + 5) % 61 }
    turned.keys = order.flatMap { one.keys[$0 * 48..<($0 + 1) * 48] }
    turned.values = order.flatMap { one.values[$0 * 48..<($0 + 1) * 48] }
    turned.bias = order.map { one.bias![$0] }
    let (a, b) = (one.attend(), turned.attend())
    for (slot, source) in order.enumerated() {
      #expect(abs(b.weights[slot] - a.weights[source]) <= 61 * 0x1p-24 * a.weights[source])
    }
    for index in 0..<48 { #expect(abs(a.out[index] - b.out[index]) <= 122 * 0x1p-24) }
  }

  @Test func aBiasOfLogCStandsForCEqualRows() {
    let one = AttentionCase(rows: 9, dim: 32)
    var repeated = one
    for _ in 0..<4 {
      repeated.keys += one.keys[0..<32]
      repeated.values += one.values[0..<32]
    }
    var folded = one
    folded.bias = [1.6094379] + Array(repeating: 0, count: 8)
    let (a, b) = (repeated.attend().out, folded.attend().out)
    for index in 0..<32 { #expect(abs(a[index] - b[index]) <= 1e-6) }
  }

  @Test func extremeLogitsStayFinite() {
    for size: Float in [0, 1e4, 1e9] {
      let one = AttentionCase(rows: 21, dim: 33, size: size)
      let found = one.attend()
      #expect((found.weights + found.out).allSatisfy { $0.isFinite })
      #expect(abs(found.weights.reduce(0, +) - 1) < 1e-5)
      if size == 0 { #expect(found.weights.allSatisfy { abs($0 - 1 / 21) < 1e-7 }) }
    }
  }
}
