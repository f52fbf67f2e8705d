import HeadKVMath

/// Attention of a query against plain loops: the worst error in units of its bound.
package enum AttentionCheck {
  /// Over `rows` keys and values of any type; the twin takes the values that they stand for.
  package static func attend(
    _ type: RowElement, rows: Int, dim: Int, biased: Bool
  ) -> Double {
    let given = AttentionCase(rows: rows, dim: dim, biased: biased)
    var exact = given
    let keys = StoredRows(given.keys, dim, type)
    let values = StoredRows(given.values, dim, type)
    (exact.keys, exact.values) = (keys.values, values.values)
    let (found, expected) = (given.attend(keys, values), exact.reference())
    let bound = given.weightBound
    // The scales of bytes round once more.
    let outBound = bound + Double(type == .f32 ? rows : rows + 2) * 0x1p-24
    return max(
      worstError(found.weights, expected.weights) { bound * expected.weights[$0] + 1e-30 },
      worstError(found.out, expected.out) { _ in outBound })
  }
}
