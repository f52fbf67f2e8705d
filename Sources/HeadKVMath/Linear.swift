internal import CHeadKVKernels

/// A weight matrix [outFeatures, inFeatures]: row-major where it lies (usually a mapped file), or
/// packed for the kernels.
///
/// The bits of an element of the result depend on its row of x and its row of weights alone: not
/// on the number of rows, of threads or of tasks, unless the caller gives that up.
@safe
package final class Linear: @unchecked Sendable {
  @safe
  private enum Storage {
    case inPlace(base: UnsafeRawPointer, element: WeightElement, owner: AnyObject)
    case packed(PackedMatrix)
  }

  package let outFeatures: Int
  package let inFeatures: Int
  private let storage: Storage

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
    self.outFeatures = outFeatures
    self.inFeatures = inFeatures
    storage = unsafe .inPlace(base: base, element: element, owner: owner)
  }

  package init(_ matrix: PackedMatrix) {
    outFeatures = matrix.outFeatures
    inFeatures = matrix.inFeatures
    storage = .packed(matrix)
  }

  /// The same weights packed; as ``Packing/substitute`` if `packing` cannot hold them.
  ///
  /// - Parameter consumed: told, on the caller's thread and some MB at a time, which bytes of these
  ///   weights have been packed; from the beginning again for a substitute.
  /// - Precondition: these lie in place.
  package func packed(
    _ packing: Packing, arena: WeightArena, pool: WorkerPool,
    consumed: (Range<Int>) -> Void = { _ in }
  ) -> Linear {
    guard case .inPlace(let base, let element, _) = storage else {
      preconditionFailure("packed weights are not to be packed")
    }
    return unsafe Linear(
      .pack(
        base, element: element, outFeatures: outFeatures, inFeatures: inFeatures,
        packing: packing, arena: arena, pool: pool, consumed: consumed))
  }

  /// The packed matrix; nil if the weights lie in place.
  package var packedMatrix: PackedMatrix? {
    if case .packed(let matrix) = storage { matrix } else { nil }
  }

  /// The weights where they lie, and what keeps them there; nil if they are packed.
  @unsafe
  package var inPlace: (base: UnsafeRawPointer, element: WeightElement, owner: AnyObject)? {
    guard case .inPlace(let base, let element, let owner) = storage else { return nil }
    return unsafe (base, element, owner)
  }

  /// How the weights are packed; nil if they lie in place.
  package var packing: Packing? {
    if case .packed(let matrix) = storage { matrix.packing } else { nil }
  }

  /// Size of the weights.
  package var byteCount: Int {
    switch storage {
    case .inPlace(_, let element, _): outFeatures * inFeatures * element.byteCount
    case .packed(let matrix): matrix.byteCount
    }
  }

  /// Columns that ranges of ``columns(_:of:into:accumulate:)`` start at a multiple of.
  package var granularity: Int { packing == nil ? 8 : Packing.panel }

  /// Widens one row of weights into `target` [inFeatures]: an embedding look-up.
  ///
  /// - Precondition: the weights lie in place.
  package func copyRow(_ index: Int, into target: UnsafeMutablePointer<Float>) {
    precondition(index >= 0 && index < outFeatures, "no such row of weights")
    guard case .inPlace(let base, let element, _) = storage else {
      preconditionFailure("rows of packed weights are not to be copied")
    }
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
  ///
  /// - Parameter exactRows: whether a row's bits may not depend on m.
  package func apply(
    _ x: FloatMatrix, into y: FloatMatrix, accumulate: Bool = false, exactRows: Bool = true,
    scratch: LinearScratch, pool: WorkerPool
  ) {
    if case .inPlace(let base, let element, _) = storage,
      unsafe ProductPath.choose(
        rows: x.rows, element: element, exactRows: exactRows,
        instructionSet: exactRows ? "" : Kernels.instructionSet) == .blas
    {
      let weights = unsafe FloatMatrix(
        base: UnsafeMutablePointer(mutating: base.assumingMemoryBound(to: Float.self)),
        rows: outFeatures, columns: inFeatures, stride: inFeatures)
      let pieces = (outFeatures + WideWork.columns - 1) / WideWork.columns
      unsafe pool.run(
        tasks: pieces, WideWork(x: x, weights: weights, y: y, accumulate: accumulate))
      return
    }
    let split = TaskSplit(
      columns: outFeatures, bytesPerColumn: byteCount / Swift.max(outFeatures, 1),
      threads: pool.threads, granularity: granularity)
    let input = unsafe scratch.prepare(x, for: self, pool: pool)
    unsafe pool.run(
      tasks: split.tasks,
      LinearWork(linear: self, split: split, input: input, y: y, accumulate: accumulate))
  }

  /// The columns in `range` of the same product, on the calling thread.
  ///
  /// `input` was prepared for this layer or one packed alike. The range starts at a multiple of
  /// ``granularity`` and ends at one or at the last column, if the weights are packed.
  ///
  /// - Parameter worker: the calling thread's number among those the scratch memory was made for.
  package func columns(
    _ range: Range<Int>, of input: LinearInput, into y: FloatMatrix, accumulate: Bool,
    worker: Int = 0
  ) {
    let x = unsafe input.x
    unsafe precondition(
      x.columns == inFeatures && y.columns == outFeatures && x.rows == y.rows
        && range.lowerBound >= 0 && range.upperBound <= outFeatures,
      "shapes of a linear layer do not fit")
    switch storage {
    case .packed(let matrix):
      let panel = Packing.panel
      precondition(
        range.lowerBound % panel == 0
          && (range.upperBound % panel == 0 || range.upperBound == outFeatures),
        "a range splits a panel")
      unsafe matrix.product(
        panels: range.lowerBound / panel..<(range.upperBound + panel - 1) / panel,
        of: input.rows, into: y.base, stride: y.stride,
        adding: accumulate ? UnsafePointer(y.base) : nil, room: input.room(worker))
    case .inPlace(let base, let element, _):
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
}

/// A product by OpenBLAS, in pieces that are the same for any number of threads.
@safe
private struct WideWork: ParallelWork {
  static let columns = 256

  let x: FloatMatrix
  let weights: FloatMatrix
  let y: FloatMatrix
  let accumulate: Bool

  func perform(_ index: Int) {
    let first = index * Self.columns
    let count = unsafe min(Self.columns, weights.rows - first)
    unsafe BLAS.multiply(
      x, transposed: false, weights.rows(first, count: count), transposed: true,
      into: FloatMatrix(base: y.base + first, rows: y.rows, columns: count, stride: y.stride),
      beta: accumulate ? 1 : 0)
  }
}

@safe
private struct LinearWork: WorkerWork {
  let linear: Linear
  let split: TaskSplit
  let input: LinearInput
  let y: FloatMatrix
  let accumulate: Bool

  func perform(_ index: Int, worker: Int) {
    unsafe linear.columns(
      split.range(index), of: input, into: y, accumulate: accumulate, worker: worker)
  }
}
