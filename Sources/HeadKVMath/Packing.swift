internal import CHeadKVKernels

/// How a packed matrix holds its weights.
package enum Packing: Sendable, CaseIterable {
  /// As they are.
  case f32
  /// Rounded to nearest even; so are the inputs, each element on its own.
  case bf16
  /// The same values, and the same products bit for bit, in 12 bits each: nearly all weights of a
  /// panel have one of 15 high bytes, and the others are listed.
  case bf12
  /// Bytes with a scale for each output; inputs become bytes with a scale for each 64 of a row.
  case int8

  var code: Int32 {
    switch self {
    case .f32: Int32(HKV_PACKED_F32)
    case .bf16: Int32(HKV_PACKED_BF16)
    case .bf12: Int32(HKV_PACKED_BF12)
    case .int8: Int32(HKV_PACKED_I8)
    }
  }

  /// What takes the place of this for a matrix that it cannot hold: one with more weights to list
  /// than there is room for. Nil for what holds every matrix.
  package var substitute: Packing? { self == .bf12 ? .bf16 : nil }

  /// Outputs of a panel, the unit that the kernels work on.
  package static var panel: Int { 64 }

  /// The shape under which the panels of a matrix [outFeatures, inFeatures] are stored: outputs and
  /// inputs, which zeros fill up to whole vectors and whole kernel steps, or panels and their bytes.
  package func storedShape(outFeatures: Int, inFeatures: Int) -> [Int] {
    let steps = hkv_packed_steps(code, inFeatures)
    let outputs = (outFeatures + 15) / 16 * 16
    return switch self {
    case .f32: [outputs, steps]
    case .bf16: [outputs, 2 * steps]
    case .int8: [outputs, 4 * steps]
    case .bf12: [Self.panels(outFeatures), hkv_panel_bytes(code, steps)]
    }
  }

  /// Bytes of the panels of a matrix [outFeatures, inFeatures], scales not counted.
  package func byteCount(outFeatures: Int, inFeatures: Int) -> Int {
    let steps = hkv_packed_steps(code, inFeatures)
    // The last panel of a matrix is as wide as it must be, but for bf12.
    return self == .bf12
      ? Self.panels(outFeatures) * hkv_panel_bytes(code, steps)
      : (outFeatures + 15) / 16 * 64 * steps
  }

  /// Bytes in which a thread unpacks a panel of up to `inFeatures` inputs.
  package func roomBytes(inFeatures: Int) -> Int {
    hkv_room_bytes(code, hkv_packed_steps(code, inFeatures))
  }

  private static func panels(_ outFeatures: Int) -> Int { (outFeatures + panel - 1) / panel }
}
