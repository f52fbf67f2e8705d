import Foundation

/// Attention of one head by OpenBLAS: K q, softmax, weights V, each in a call of its own.
///
/// The reference path for the fused kernels.
package enum BLASAttention {
  /// Keys and values `[rows, dim]` without gaps, in f32.
  package static func attend(
    query: [Float], keys: [Float], values: [Float], bias: [Float]?, rows: Int, scale: Float
  ) -> (weights: [Float], out: [Float]) {
    let dim = query.count
    precondition(rows > 0 && keys.count == rows * dim && values.count == rows * dim, "shapes")
    var weights = [Float](repeating: 0, count: rows)
    unsafe BLAS.multiply(keys, rows: rows, columns: dim, query, scale: scale, into: &weights)
    if let bias { for row in 0..<rows { weights[row] += bias[row] } }
    let top = weights.max()!
    for row in 0..<rows { weights[row] = exp(weights[row] - top) }
    let total = weights.reduce(0, +)
    for row in 0..<rows { weights[row] /= total }
    var out = [Float](repeating: 0, count: dim)
    unsafe BLAS.multiply(
      values, transposed: true, rows: rows, columns: dim, weights, scale: 1, into: &out)
    return (weights, out)
  }
}
