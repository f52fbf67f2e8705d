import HeadKVMath

/// A query with keys and values to attend to.
package struct AttentionCase {
  package var query: [Float]
  package var keys: [Float]
  package var values: [Float]
  package var bias: [Float]?
  package let scale: Float = 0.25

  package init(rows: Int, dim: Int, biased: Bool = false, size: Float = 2) {
    var numbers = Numbers(rows * 131 + dim)
    query = numbers.list(dim, scale: size)
    keys = numbers.list(rows * dim, scale: size)
    values = numbers.list(rows * dim)
    bias = biased ? numbers.list(rows) : nil
  }

  package var dim: Int { query.count }
  package var rows: Int { keys.count / dim }

  /// Weights and output of the fast path, with gaps between the rows of K and V.
  package func attend() -> (weights: [Float], out: [Float]) {
    attend(StoredRows(keys, dim, .f32), StoredRows(values, dim, .f32))
  }

  /// The same over rows that are stored already.
  package func attend(
    _ keys: StoredRows, _ values: StoredRows
  ) -> (weights: [Float], out: [Float]) {
    var weights = [Float](repeating: .nan, count: rows)
    var out = [Float](repeating: .nan, count: dim)
    unsafe keys.withRows { k in
      unsafe values.withRows { v in
        func run(_ bias: UnsafePointer<Float>?) {
          unsafe Kernels.attend(
            query: query, keys: k, values: v, bias: bias, rows: rows, dim: dim, scale: scale,
            weights: &weights, out: &out)
        }
        guard let bias else { return run(nil) }
        unsafe bias.withUnsafeBufferPointer { unsafe run($0.baseAddress) }
      }
    }
    return (weights, out)
  }

  package func reference() -> (weights: [Double], out: [Double]) {
    ReferenceKernels.attend(
      query: query, keys: keys, values: values, bias: bias, rows: rows, scale: scale)
  }

  /// Bound of the relative error of a weight: the rounding of its logit, of the exponential (a
  /// few units in the last place) and of the sum.
  package var weightBound: Double {
    let logit = Double(dim + 2) * 0x1p-24 * Double(dim) * 4 * Double(scale)
    return 2 * logit + Double(rows + 16) * 0x1p-24
  }
}
