internal import COpenBLAS
import Foundation

/// The one place that calls OpenBLAS.
///
/// OpenBLAS is the tool for wide matrices (prefixes, attention among pixels, analysis) and the
/// reference for narrow ones. Its thread count is global to the process, so it is set to one once;
/// ``WorkerPool`` does the sharing out.
package enum BLAS {
  private static let singleThreaded: Void = openblas_set_num_threads(1)

  /// c = a b + beta c, row-major, with `a` or `b` transposed when asked.
  ///
  /// Shapes: op(a) [m, k], op(b) [k, n], c [m, n], taken from the views.
  package static func multiply(
    _ a: FloatMatrix, transposed aTransposed: Bool = false,
    _ b: FloatMatrix, transposed bTransposed: Bool = false,
    into c: FloatMatrix, beta: Float = 0
  ) {
    _ = singleThreaded
    let m = unsafe aTransposed ? a.columns : a.rows
    let k = unsafe aTransposed ? a.rows : a.columns
    let n = unsafe bTransposed ? b.rows : b.columns
    unsafe precondition(
      k == (bTransposed ? b.columns : b.rows) && c.rows == m && c.columns == n,
      "shapes of a matrix product do not fit")
    guard m > 0, n > 0, k > 0 else { return }
    unsafe cblas_sgemm(
      CblasRowMajor, aTransposed ? CblasTrans : CblasNoTrans,
      bTransposed ? CblasTrans : CblasNoTrans,
      blasint(m), blasint(n), blasint(k), 1, a.base, blasint(a.stride), b.base, blasint(b.stride),
      beta, c.base, blasint(c.stride))
  }

  /// y = scale a x, or scale a^T x; `a` is row-major [rows, columns] without gaps.
  package static func multiply(
    _ a: UnsafePointer<Float>, transposed: Bool = false, rows: Int, columns: Int,
    _ x: UnsafePointer<Float>, scale: Float, into y: UnsafeMutablePointer<Float>
  ) {
    _ = singleThreaded
    guard rows > 0, columns > 0 else { return }
    unsafe cblas_sgemv(
      CblasRowMajor, transposed ? CblasTrans : CblasNoTrans, blasint(rows), blasint(columns),
      scale, a, blasint(columns), x, 1, 0, y, 1)
  }

  /// The version of OpenBLAS and how it was built, for reports that name it.
  package static var configuration: String {
    let text = unsafe String(cString: openblas_get_config())
    return (text.hasPrefix("OpenBLAS ") ? String(text.dropFirst(9)) : text)
      .trimmingCharacters(in: .whitespaces)
  }

  /// Threads that OpenBLAS works with: one.
  package static var threads: Int {
    _ = singleThreaded
    return Int(openblas_get_num_threads())
  }
}
