internal import CHeadKVKernels

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
        || (inFeatures % segments == 0
          && (packing == .f32 || packing == .bf16 && inFeatures / segments % 2 == 0)),
      "segments do not fit")
    self.packing = packing
    self.outFeatures = outFeatures
    self.inFeatures = inFeatures
    self.segments = segments
    unsafe self.panels = panels
    unsafe self.scales = scales
    self.owner = owner
  }

  /// Bytes that a product reads.
  package var byteCount: Int {
    packing.byteCount(outFeatures: outFeatures, inFeatures: inFeatures)
      + (packing == .int8 ? 4 * outFeatures : 0)
  }

  /// y = x W^T (+ bias) (+ add) for the outputs of the panels in `range`.
  ///
  /// `add` has the layout of y and may be y. Bytes take no bias. `room` has the packing's
  /// ``Packing/roomBytes(inFeatures:)``.
  func product(
    panels range: Range<Int>, of rows: hkv_rows, into y: UnsafeMutablePointer<Float>, stride: Int,
    adding add: UnsafePointer<Float>?, bias: UnsafePointer<Float>? = nil,
    room: UnsafeMutableRawPointer? = nil
  ) {
    unsafe precondition(
      room != nil || packing.roomBytes(inFeatures: inFeatures) == 0, "no room to unpack panels in")
    unsafe precondition(bias == nil || scales == nil, "a matrix of bytes takes no bias")
    unsafe withUnsafePointer(to: rows) { rows in
      unsafe withPacked { matrix in
        unsafe hkv_packed_linear(
          packing.code, matrix, range.lowerBound, range.upperBound, rows, y, stride, add,
          scales ?? bias, room)
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
