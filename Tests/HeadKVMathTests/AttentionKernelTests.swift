import Testing

import HeadKVMath

@Suite struct AttentionKernelTests {
  private struct Case {
    var query: [Float]
    var keys: [Float]
    var values: [Float]
    var bias: [Float]?
    var scale: Float = 0.25

    init(rows: Int, dim: Int, biased: Bool = false, size: Float = 2) {
      var numbers = Numbers(rows * 131 + dim)
      query = numbers.list(dim, scale: size)
      keys = numbers.list(rows * dim, scale: size)
      values = numbers.list(rows * dim)
      bias = biased ? numbers.list(rows) : nil
    }

    var dim: Int { query.count }
    var rows: Int { keys.count / dim }

    /// Weights and output of the fast path, with gaps between the rows of K and V.
    func attend() -> (weights: [Float], out: [Float]) {
      let gap = 5
      func spread(_ list: [Float]) -> [Float] {
        (0..<rows).flatMap {
          list[$0 * dim..<($0 + 1) * dim] + Array(repeating: Float.nan, count: gap)
        }
      }
      let (k, v) = (spread(keys), spread(values))
      var weights = [Float](repeating: .nan, count: rows)
      var out = [Float](repeating: .nan, count: dim)
      func run(_ bias: UnsafePointer<Float>?) {
        Kernels.attend(
          query: query, keys: AttentionRows(.f32, k, stride: dim + gap),
          values: AttentionRows(.f32, v, stride: dim + gap), bias: bias, rows: rows, dim: dim,
          scale: scale, weights: &weights, out: &out)
      }
      if let bias { bias.withUnsafeBufferPointer { run($0.baseAddress) } } else { run(nil) }
      return (weights, out)
    }

    func reference() -> (weights: [Double], out: [Double]) {
      ReferenceKernels.attend(
        query: query, keys: keys, values: values, bias: bias, rows: rows, scale: scale)
    }

    /// Bound of the relative error of a weight: the rounding of its logit, of the exponential (a
    /// few units in the last place) and of the sum.
    var weightBound: Double {
      let logit = Double(dim + 2) * 0x1p-24 * Double(dim) * 4 * Double(scale)
      return 2 * logit + Double(rows + 16) * 0x1p-24
    }
  }

  @Test(arguments: [false, true])
  func equalsTheReferenceOnOddSizes(_ biased: Bool) {
    for rows in [1, 2, 3, 4, 7, 8, 9, 17, 43, 100, 257] {
      for dim in [1, 7, 16, 31, 32, 64, 65, 100, 128, 130] {
        let one = Case(rows: rows, dim: dim, biased: biased)
        let found = one.attend()
        let expected = one.reference()
        let bound = one.weightBound
        let weights = worstError(found.weights, expected.weights) {
          bound * expected.weights[$0] + 1e-30
        }
        #expect(weights <= 1, "weights of \(rows) rows of \(dim)")
        let out = worstError(found.out, expected.out) { _ in bound + Double(rows) * 0x1p-24 }
        #expect(out <= 1, "output of \(rows) rows of \(dim)")
      }
    }
  }

  /// The fused pass against three calls of OpenBLAS a head.
  @Test(arguments: [false, true]) func equalsOpenBLAS(_ biased: Bool) {
    for rows in [1, 2, 9, 43, 257] {
      for dim in [1, 31, 32, 64, 100] {
        let one = Case(rows: rows, dim: dim, biased: biased)
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
        let one = Case(rows: rows, dim: dim, biased: biased)
        var exact = one
        let (keys, values) = (StoredRows(one.keys, dim, type), StoredRows(one.values, dim, type))
        (exact.keys, exact.values) = (keys.values, values.values)
        let expected = exact.reference()
        var weights = [Float](repeating: .nan, count: rows)
        var out = [Float](repeating: .nan, count: dim)
        keys.withRows { k in
          values.withRows { v in
            func run(_ bias: UnsafePointer<Float>?) {
              Kernels.attend(
                query: one.query, keys: k, values: v, bias: bias, rows: rows, dim: dim,
                scale: one.scale, weights: &weights, out: &out)
            }
            if let bias = one.bias { bias.withUnsafeBufferPointer { run($0.baseAddress) } } else { run(nil) }
          }
        }
        let bound = one.weightBound
        #expect(
          worstError(weights, expected.weights) { bound * expected.weights[$0] + 1e-30 } <= 1,
          "weights of \(rows) rows of \(dim)")
        #expect(
          worstError(out, expected.out) { _ in bound + Double(rows + 2) * 0x1p-24 } <= 1,
          "output of \(rows) rows of \(dim)")
      }
    }
  }

  /// Rows in one of the types, with gaps between them, and the values that they stand for.
  private struct StoredRows {
    private let element: RowElement
    private let stride: Int
    private(set) var values: [Float] = []
    private var bytes: [UInt8]
    private var scales: [Float] = []

    init(_ source: [Float], _ dim: Int, _ element: RowElement) {
      self.element = element
      stride = dim + 3
      // All bits set are no number, or -1.
      bytes = Array(repeating: 0xff, count: source.count / dim * stride * element.byteCount)
      for start in Swift.stride(from: 0, to: source.count, by: dim) {
        let row = Array(source[start..<start + dim])
        let offset = start / dim * stride * element.byteCount
        bytes.withUnsafeMutableBytes {
          scales.append(element.store(row, count: dim, into: $0.baseAddress! + offset))
        }
        values += ReferenceRows.rounded(row, element)
      }
    }

    func withRows(_ body: (AttentionRows) -> Void) {
      bytes.withUnsafeBytes { bytes in
        scales.withUnsafeBufferPointer { scales in
          body(
            AttentionRows(
              element, bytes.baseAddress!, stride: stride,
              scales: element.isScaled ? scales.baseAddress! : nil))
        }
      }
    }
  }

  @Test func theOrderOfRowsMeansNothing() {
    let one = Case(rows: 61, dim: 48, biased: true)
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
    let one = Case(rows: 9, dim: 32)
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
      let one = Case(rows: 21, dim: 33, size: size)
      let found = one.attend()
      #expect((found.weights + found.out).allSatisfy { $0.isFinite })
      #expect(abs(found.weights.reduce(0, +) - 1) < 1e-5)
      if size == 0 { #expect(found.weights.allSatisfy { abs($0 - 1 / 21) < 1e-7 }) }
    }
  }
}
