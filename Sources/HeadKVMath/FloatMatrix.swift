/// A row-major view of f32 memory that somebody else owns: element (r, c) is `base[r * stride + c]`.
///
/// Views cross threads inside ``WorkerPool/run(tasks:_:)``, where the tasks write disjoint parts.
/// The maker of the view keeps the memory alive.
@unsafe
package struct FloatMatrix: @unchecked Sendable {
  package let base: UnsafeMutablePointer<Float>
  package let rows: Int
  package let columns: Int
  /// Elements from one row to the next, at least `columns`.
  package let stride: Int

  package init(base: UnsafeMutablePointer<Float>, rows: Int, columns: Int, stride: Int) {
    precondition(rows >= 0 && columns >= 0 && stride >= columns, "malformed view")
    unsafe self.base = unsafe base
    unsafe self.rows = rows
    unsafe self.columns = columns
    unsafe self.stride = stride
  }

  /// First element of row `index`.
  package func row(_ index: Int) -> UnsafeMutablePointer<Float> {
    unsafe base + index * stride
  }

  /// The view of `count` rows from `first` on.
  package func rows(_ first: Int, count: Int) -> FloatMatrix {
    unsafe FloatMatrix(base: row(first), rows: count, columns: columns, stride: stride)
  }
}
