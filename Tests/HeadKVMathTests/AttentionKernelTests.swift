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
          query: query, keys: k, keyStride: dim + gap, values: v, valueStride: dim + gap,
          bias: bias, rows: rows, dim: dim, scale: scale, weights: &weights, out: &out)
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

  enum RowType: CaseIterable { case f32, bf16, f16, int8 }

  /// Rows of every type against the twin on the values that they stand for.
  @Test(arguments: RowType.allCases, [false, true])
  func equalsTheReferenceForEveryRowType(_ type: RowType, _ biased: Bool) {
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
    let type: RowType
    let stride: Int
    var values: [Float]
    private var halves: [UInt16] = []
    private var bytes: [Int8] = []
    private var scales: [Float] = []
    private var floats: [Float] = []

    init(_ source: [Float], _ dim: Int, _ type: RowType) {
      self.type = type
      stride = dim + 3
      values = source
      for start in Swift.stride(from: 0, to: source.count, by: dim) {
        let row = Array(source[start..<start + dim])
        let scale = max(row.map(abs).max()!, 0x1p-20) / 127
        scales.append(scale)
        for (column, value) in row.enumerated() {
          switch type {
          case .f32: floats.append(value)
          case .bf16:
            halves.append(UInt16(value.bitPattern >> 16))
            values[start + column] = Float(bitPattern: UInt32(halves.last!) << 16)
          case .f16:
            halves.append(Float16(value).bitPattern)
            values[start + column] = Float(Float16(value))
          case .int8:
            bytes.append(Int8((value / scale).rounded()))
            values[start + column] = Float(bytes.last!) * scale
          }
        }
        floats += Array(repeating: .nan, count: type == .f32 ? 3 : 0)
        halves += Array(repeating: 0x7fff, count: type == .bf16 || type == .f16 ? 3 : 0)
        bytes += Array(repeating: 127, count: type == .int8 ? 3 : 0)
      }
    }

    func withRows(_ body: (AttentionRows) -> Void) {
      halves.withUnsafeBufferPointer { halves in
        bytes.withUnsafeBufferPointer { bytes in
          scales.withUnsafeBufferPointer { scales in
            floats.withUnsafeBufferPointer { floats in
              switch type {
              case .f32: body(.f32(floats.baseAddress!, stride: stride))
              case .bf16: body(.bf16(halves.baseAddress!, stride: stride))
              case .f16: body(.f16(halves.baseAddress!, stride: stride))
              case .int8:
                body(.int8(bytes.baseAddress!, stride: stride, scales: scales.baseAddress!))
              }
            }
          }
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
