internal import CHeadKVKernels

/// How a packed matrix holds its weights.
package enum Packing: Sendable, CaseIterable {
  /// As they are.
  case f32
  /// Rounded to nearest even; so are the inputs, each element on its own.
  case bf16
  /// Bytes with a scale for each output; inputs become bytes with a scale for each 64 of a row.
  case int8

  var code: Int32 {
    switch self {
    case .f32: Int32(HKV_PACKED_F32)
    case .bf16: Int32(HKV_PACKED_BF16)
    case .int8: Int32(HKV_PACKED_I8)
    }
  }

  /// Outputs of a panel, the unit that the kernels work on.
  package static var panel: Int { 64 }

  /// Outputs and inputs that the panels of a matrix [outFeatures, inFeatures] have room for: the
  /// matrix is filled up with zeros to whole vectors and whole kernel steps.
  package func paddedShape(outFeatures: Int, inFeatures: Int) -> [Int] {
    let inStep =
      switch self {
      case .f32: 1
      case .bf16: 2
      case .int8: 4
      }
    return [(outFeatures + 15) / 16 * 16, inStep * hkv_packed_steps(code, inFeatures)]
  }

  /// Bytes of the panels of a matrix [outFeatures, inFeatures], scales not counted.
  package func byteCount(outFeatures: Int, inFeatures: Int) -> Int {
    (outFeatures + 15) / 16 * 64 * hkv_packed_steps(code, inFeatures)
  }
}

/// A matrix [outFeatures, inFeatures] in the order in which the kernels read it.
@safe
package final class PackedMatrix: @unchecked Sendable {
  package let packing: Packing
  package let outFeatures: Int
  package let inFeatures: Int
  package let panels: UnsafeRawPointer
  /// [outFeatures] for bytes, else absent.
  package let scales: UnsafePointer<Float>?
  /// Runs that the inner dimension consists of, of the same length.
  private let segments: Int
  /// What keeps the memory alive.
  package let owner: AnyObject

  /// A view of memory that holds a packed matrix, which `owner` keeps alive.
  ///
  /// `segments` divide `inFeatures` into runs of a whole number of kernel steps.
  package init(
    packing: Packing, outFeatures: Int, inFeatures: Int, segments: Int = 1,
    panels: UnsafeRawPointer, scales: UnsafePointer<Float>?, owner: AnyObject
  ) {
    precondition(outFeatures >= 0 && inFeatures >= 0, "negative size of a matrix")
    precondition((unsafe scales == nil) == (packing != .int8), "bytes, and they alone, have scales")
    precondition(
      segments == 1
        || (inFeatures % segments == 0 && packing != .int8
          && (packing == .f32 || inFeatures / segments % 2 == 0)), "segments do not fit")
    self.packing = packing
    self.outFeatures = outFeatures
    self.inFeatures = inFeatures
    self.segments = segments
    unsafe self.panels = panels
    unsafe self.scales = scales
    self.owner = owner
  }

  /// Packs a row-major matrix of `element` weights into memory from `arena`, on all threads of
  /// `pool`.
  ///
  /// - Parameter consumed: told, on the caller's thread and some MB at a time, which bytes of
  ///   `weights` have been packed.
  package convenience init(
    _ weights: UnsafeRawPointer, element: WeightElement, outFeatures: Int, inFeatures: Int,
    segments: Int = 1, packing: Packing, arena: WeightArena, pool: WorkerPool,
    consumed: (Range<Int>) -> Void = { _ in }
  ) {
    let bytes = packing.byteCount(outFeatures: outFeatures, inFeatures: inFeatures)
    let (memory, owner) = unsafe arena.take(bytes)
    var scales: UnsafeMutablePointer<Float>?
    if packing == .int8 {
      unsafe scales = arena.take(4 * outFeatures, beside: owner)
        .bindMemory(to: Float.self, capacity: outFeatures)
    }
    let work = unsafe PackWork(
      weights: weights, element: element, outFeatures: outFeatures, inFeatures: inFeatures,
      packing: packing, panels: memory, scales: scales)
    unsafe RowBands(rows: outFeatures, bytesPerRow: inFeatures * element.byteCount).run(
      work, rowsPerTask: Packing.panel, on: pool, consumed: consumed)
    unsafe self.init(
      packing: packing, outFeatures: outFeatures, inFeatures: inFeatures, segments: segments,
      panels: UnsafeRawPointer(memory), scales: UnsafePointer(scales), owner: owner)
  }

  /// Bytes that a product reads.
  package var byteCount: Int {
    packing.byteCount(outFeatures: outFeatures, inFeatures: inFeatures)
      + (packing == .int8 ? 4 * outFeatures : 0)
  }

  /// y = x W^T (+ bias) (+ add) for the outputs of the panels in `range`.
  ///
  /// `add` has the layout of y and may be y. Bytes take no bias.
  func product(
    panels range: Range<Int>, of rows: hkv_rows, into y: UnsafeMutablePointer<Float>, stride: Int,
    adding add: UnsafePointer<Float>?, bias: UnsafePointer<Float>? = nil
  ) {
    unsafe precondition(bias == nil || scales == nil, "a matrix of bytes takes no bias")
    unsafe withUnsafePointer(to: rows) { rows in
      unsafe withPacked { matrix in
        unsafe hkv_packed_linear(
          packing.code, matrix, range.lowerBound, range.upperBound, rows, y, stride, add,
          scales ?? bias)
      }
    }
  }

  /// The matrix as the kernels take it.
  func withPacked(_ body: (UnsafePointer<hkv_packed>) -> Void) {
    let matrix = unsafe hkv_packed(
      weights: panels, columns: outFeatures,
      steps: hkv_packed_steps(packing.code, inFeatures) / segments, segments: segments)
    unsafe withUnsafePointer(to: matrix) { unsafe body($0) }
  }
}

@unsafe
private struct PackWork: BandWork {
  let weights: UnsafeRawPointer
  let element: WeightElement
  let outFeatures: Int
  let inFeatures: Int
  let packing: Packing
  let panels: UnsafeMutableRawPointer
  let scales: UnsafeMutablePointer<Float>?
  var first = 0

  func perform(_ index: Int) {
    let panel = unsafe first + index
    unsafe hkv_pack(
      packing.code, weights, element.code, outFeatures, inFeatures, panel, panel + 1, panels,
      scales)
  }
}
