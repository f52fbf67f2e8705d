internal import CLAPACKE
import Foundation

/// A failure of the singular value decomposition.
package enum SpectralError: Error, Equatable {
  /// `count` elements are not rows x columns.
  case shape(count: Int, rows: Int, columns: Int)
  /// The matrix holds infinities or NaN.
  case notFinite
  /// LAPACK's report: below zero a wrong argument, above zero no convergence.
  case lapack(Int)
}

/// The spectrum of a matrix and how many directions of it matter.
package enum SpectralAnalysis {
  /// The singular values, largest first, of a row-major matrix.
  package static func singularValues(
    of matrix: [Float], rows: Int, columns: Int
  ) throws -> [Float] {
    guard rows >= 0, columns >= 0, matrix.count == rows * columns else {
      throw SpectralError.shape(count: matrix.count, rows: rows, columns: columns)
    }
    guard matrix.allSatisfy(\.isFinite) else { throw SpectralError.notFinite }
    guard !matrix.isEmpty else { return [] }
    var work = matrix
    var values = [Float](repeating: 0, count: Swift.min(rows, columns))
    // The singular vectors are not asked for, so their memory is never touched.
    let status = unsafe LAPACKE_sgesdd(
      LAPACK_ROW_MAJOR, Int8(UInt8(ascii: "N")), Int32(rows), Int32(columns), &work,
      Int32(columns), &values, nil, Int32(rows), nil, Int32(columns))
    guard status == 0 else { throw SpectralError.lapack(Int(status)) }
    return values
  }

  /// exp of the entropy of the normalised singular values: the effective rank of Roy and Vetterli
  /// (2007). 0 when there is nothing but zeros.
  package static func effectiveRank(_ values: [Float]) -> Double {
    let total = values.reduce(0.0) { $0 + Double($1) }
    guard total > 0 else { return 0 }
    var entropy = 0.0
    for value in values where value > 0 {
      let share = Double(value) / total
      entropy -= share * Foundation.log(share)
    }
    return Foundation.exp(entropy)
  }
}
