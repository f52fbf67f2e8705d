internal import CHeadKVKernels

/// How a weight is stored; kernels widen it to f32 exactly.
package enum WeightElement: Sendable {
  case f32, bf16, f16

  package var byteCount: Int {
    switch self {
    case .f32: 4
    case .bf16, .f16: 2
    }
  }
}

/// How the columns of a product are shared out: pieces of a multiple of eight columns each.
package struct TaskSplit: Sendable, Equatable {
  package let columns: Int
  package let columnsPerTask: Int
  package let tasks: Int

  /// About four tasks a thread, each over at least 64 KB of weights.
  package init(columns: Int, bytesPerColumn: Int, threads: Int) {
    precondition(columns >= 0 && bytesPerColumn >= 0 && threads >= 1, "malformed split")
    self.columns = columns
    guard columns > 0 else {
      columnsPerTask = 8
      tasks = 0
      return
    }
    let leastColumns = (64 * 1024 + bytesPerColumn - 1) / Swift.max(bytesPerColumn, 1)
    let wanted = threads == 1 ? columns : (columns + 4 * threads - 1) / (4 * threads)
    columnsPerTask = (Swift.max(wanted, leastColumns) + 7) / 8 * 8
    tasks = (columns + columnsPerTask - 1) / columnsPerTask
  }

  /// The columns of task `index`.
  package func range(_ index: Int) -> Range<Int> {
    let first = index * columnsPerTask
    return first..<Swift.min(first + columnsPerTask, columns)
  }
}

/// A weight matrix [outFeatures, inFeatures], row-major, where it lies (usually a mapped file).
///
/// The bits of an element of the result depend on its row of x and its row of weights alone: not
/// on the number of rows, of threads or of tasks.
@safe
package final class Linear: @unchecked Sendable {
  package let outFeatures: Int
  package let inFeatures: Int
  package let element: WeightElement
  private let base: UnsafeRawPointer
  private let owner: AnyObject

  /// - Parameters:
  ///   - base: The first weight, aligned for its element. Stays valid while `owner` lives.
  ///   - owner: What keeps the memory alive.
  package init(
    base: UnsafeRawPointer, element: WeightElement, outFeatures: Int, inFeatures: Int,
    owner: AnyObject
  ) {
    precondition(outFeatures >= 0 && inFeatures >= 0, "negative size of a linear layer")
    precondition(
      Int(bitPattern: base) % element.byteCount == 0, "weights are not aligned")
    unsafe self.base = base
    self.element = element
    self.outFeatures = outFeatures
    self.inFeatures = inFeatures
    self.owner = owner
  }

  /// Size of the weights.
  package var byteCount: Int { outFeatures * inFeatures * element.byteCount }

  /// Widens one row of weights into `target` [inFeatures]: an embedding look-up.
  package func copyRow(_ index: Int, into target: UnsafeMutablePointer<Float>) {
    precondition(index >= 0 && index < outFeatures, "no such row of weights")
    let row = unsafe base + index * inFeatures * element.byteCount
    for column in 0..<inFeatures {
      switch element {
      case .f32:
        unsafe target[column] = row.load(fromByteOffset: 4 * column, as: Float.self)
      case .bf16:
        unsafe target[column] = Float(
          bitPattern: UInt32(row.load(fromByteOffset: 2 * column, as: UInt16.self)) << 16)
      case .f16:
        unsafe target[column] = Float(row.load(fromByteOffset: 2 * column, as: Float16.self))
      }
    }
  }

  /// y [m, outFeatures] = x [m, inFeatures] W^T, plus y if `accumulate`. Allocates nothing.
  package func apply(
    _ x: FloatMatrix, into y: FloatMatrix, accumulate: Bool = false, pool: WorkerPool
  ) {
    let split = TaskSplit(
      columns: outFeatures, bytesPerColumn: inFeatures * element.byteCount, threads: pool.threads)
    unsafe pool.run(
      tasks: split.tasks,
      LinearWork(linear: self, split: split, x: x, y: y, accumulate: accumulate))
  }

  /// The columns in `range` of the same product, on the calling thread.
  package func columns(
    _ range: Range<Int>, of x: FloatMatrix, into y: FloatMatrix, accumulate: Bool
  ) {
    unsafe precondition(
      x.columns == inFeatures && y.columns == outFeatures && x.rows == y.rows
        && range.lowerBound >= 0 && range.upperBound <= outFeatures,
      "shapes of a linear layer do not fit")
    let (first, end, inner) = (range.lowerBound, range.upperBound, inFeatures)
    let adds: Int32 = accumulate ? 1 : 0
    switch element {
    case .f32:
      unsafe hkv_linear_f32(
        base.assumingMemoryBound(to: Float.self), first, end, inner, x.base, x.stride, x.rows,
        y.base, y.stride, adds)
    case .bf16:
      unsafe hkv_linear_bf16(
        base.assumingMemoryBound(to: UInt16.self), first, end, inner, x.base, x.stride, x.rows,
        y.base, y.stride, adds)
    case .f16:
      unsafe hkv_linear_f16(
        base.assumingMemoryBound(to: UInt16.self), first, end, inner, x.base, x.stride, x.rows,
        y.base, y.stride, adds)
    }
  }
}

@safe
private struct LinearWork: ParallelWork {
  let linear: Linear
  let split: TaskSplit
  let x: FloatMatrix
  let y: FloatMatrix
  let accumulate: Bool

  func perform(_ index: Int) {
    unsafe linear.columns(split.range(index), of: x, into: y, accumulate: accumulate)
  }
}
