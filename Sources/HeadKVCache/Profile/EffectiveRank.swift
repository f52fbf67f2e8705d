import HeadKVMath

/// How many directions a head's keys, or values, use.
///
/// exp of the entropy of the normalised squared singular values: Roy and Vetterli, "The effective
/// rank: a measure of effective dimensionality" (2007), on energies.
public enum EffectiveRank {
  /// The effective rank of a row-major matrix `[rows, columns]`: 0 for zeros, nil if an element is
  /// no finite number.
  ///
  /// - Precondition: `matrix` has `rows * columns` elements.
  /// - Complexity: O(rows * columns * min(rows, columns)).
  public static func of(_ matrix: [Float], rows: Int, columns: Int) -> Double? {
    precondition(matrix.count == rows * columns, "a matrix of another shape")
    guard
      let values = try? SpectralAnalysis.singularValues(of: matrix, rows: rows, columns: columns)
    else { return nil }
    let largest = values.first ?? 0
    guard largest > 0 else { return 0 }
    // Scaled first, so that squares neither vanish nor overflow.
    return SpectralAnalysis.effectiveRank(values.map { ($0 / largest) * ($0 / largest) })
  }
}
