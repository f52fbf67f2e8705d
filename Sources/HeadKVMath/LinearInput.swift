internal import CHeadKVKernels

/// Rows of input [rows, inFeatures] in the form that a linear layer reads.
///
/// Valid until the scratch memory that made it is used again.
@unsafe
package struct LinearInput {
  let x: FloatMatrix
  let rows: hkv_rows
  private let rooms: UnsafeMutableRawPointer
  private let roomBytes: Int

  fileprivate init(x: FloatMatrix, rows: hkv_rows, scratch: LinearScratch) {
    unsafe self.x = unsafe x
    unsafe self.rows = unsafe rows
    unsafe rooms = unsafe UnsafeMutableRawPointer(scratch.rooms.base)
    unsafe roomBytes = scratch.roomBytes
  }

  /// Where a thread unpacks panels; nil without room.
  func room(_ worker: Int) -> UnsafeMutableRawPointer? {
    unsafe roomBytes > 0 ? rooms + worker * roomBytes : nil
  }
}

/// Memory in which inputs are rounded or quantised for packed weights, and panels unpacked.
///
/// One thread at a time may use it; ``prepare(_:for:pool:)`` allocates nothing.
@safe
package final class LinearScratch {
  private let buffer: AlignedBuffer<UInt8>
  /// One for each thread.
  fileprivate let rooms: AlignedBuffer<UInt8>
  fileprivate let roomBytes: Int

  /// Room for `rows` rows of up to `features` values.
  ///
  /// - Parameters:
  ///   - packing: of the layers that it serves, if there are packed ones.
  ///   - threads: of the pool that computes the products.
  package init(rows: Int, features: Int, packing: Packing? = nil, threads: Int = 1) {
    precondition(rows >= 0 && features >= 0 && threads >= 1, "negative size")
    buffer = AlignedBuffer(count: Self.rowBytes(rows, features), repeating: 0)
    roomBytes = packing?.roomBytes(inFeatures: features) ?? 0
    rooms = AlignedBuffer(count: threads * roomBytes, repeating: 0)
  }

  /// Bytes that are allocated for so many rows.
  package static func byteCount(
    rows: Int, features: Int, packing: Packing?, threads: Int
  ) -> Int {
    rowBytes(rows, features) + threads * (packing?.roomBytes(inFeatures: features) ?? 0)
  }

  private static func rowBytes(_ rows: Int, _ features: Int) -> Int {
    rows * Packing.allCases.map { stride($0, features) }.max()!
  }

  /// Bytes from one row to the next: an odd number of cache lines, so that rows of a power of two
  /// do not fall on one another in the cache.
  private static func stride(_ packing: Packing, _ features: Int) -> Int {
    (hkv_row_bytes(packing.code, features) + 63) / 64 * 64 | 64
  }

  /// Brings `x` [rows, inFeatures] into the form that `linear` reads.
  ///
  /// A row's form depends on the row alone.
  package func prepare(_ x: FloatMatrix, for linear: Linear, pool: WorkerPool) -> LinearInput {
    let (rows, features) = unsafe (x.rows, x.columns)
    precondition(features == linear.inFeatures, "shapes of a linear layer do not fit")
    guard let packing = linear.packing, packing != .f32 else {
      return unsafe LinearInput(
        x: x,
        rows: hkv_rows(
          base: UnsafeRawPointer(x.base), stride: 4 * x.stride, count: rows, segment_stride: 0),
        scratch: self)
    }
    let stride = Self.stride(packing, features)
    precondition(rows * stride <= buffer.count, "more rows than the scratch memory takes")
    let work = unsafe PrepareWork(x: x, packing: packing, base: buffer.base, stride: stride)
    // Below this a region costs more than it saves.
    if rows * features < 1 << 16 {
      for row in 0..<rows { unsafe work.perform(row) }
    } else {
      unsafe pool.run(tasks: rows, work)
    }
    return unsafe LinearInput(
      x: x,
      rows: hkv_rows(
        base: UnsafeRawPointer(buffer.base), stride: stride, count: rows, segment_stride: 0),
      scratch: self)
  }
}

@unsafe
private struct PrepareWork: ParallelWork {
  let x: FloatMatrix
  let packing: Packing
  let base: UnsafeMutablePointer<UInt8>
  let stride: Int

  func perform(_ row: Int) {
    unsafe hkv_prepare_row(packing.code, x.row(row), x.columns, base + row * stride)
  }
}
