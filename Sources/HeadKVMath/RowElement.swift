internal import CHeadKVKernels

/// Element types in which rows of keys and values are stored.
package enum RowElement: Sendable, BitwiseCopyable, CaseIterable {
  case f32
  /// bfloat16, by its bits.
  case bf16
  /// IEEE half precision, by its bits.
  case f16
  /// Whole numbers in -127...127 with a scale for each row.
  case int8

  package var byteCount: Int {
    switch self {
    case .f32: 4
    case .bf16, .f16: 2
    case .int8: 1
    }
  }

  /// Whether each row has a scale beside it; the others' is 1.
  package var isScaled: Bool { self == .int8 }

  var code: Int32 {
    switch self {
    case .f32: Int32(HKV_F32)
    case .bf16: Int32(HKV_BF16)
    case .f16: Int32(HKV_F16)
    case .int8: Int32(HKV_I8)
    }
  }

  /// Stores `count` values as a row and returns its scale.
  ///
  /// Rounds to nearest even. What is too large for f16 or bf16 becomes the largest finite number.
  /// The scale of bytes is max|x| / 127; a row below 2^-100 becomes zeros. NaN stays NaN; among
  /// bytes it makes the whole row NaN.
  package func store(
    _ values: UnsafePointer<Float>, count: Int, into row: UnsafeMutableRawPointer
  ) -> Float {
    unsafe hkv_narrow_row(code, values, count, row)
  }

  /// The values that a row stands for.
  package func load(
    _ row: UnsafeRawPointer, scale: Float, count: Int, into values: UnsafeMutablePointer<Float>
  ) {
    unsafe hkv_widen_row(code, row, scale, count, values)
  }

  /// Sum of products of the elements of two rows, scales left out.
  package func dot(_ a: UnsafeRawPointer, _ b: UnsafeRawPointer, count: Int) -> Float {
    unsafe hkv_dot_rows(code, a, b, count)
  }

  /// row += share * (other - row), stored as by ``store(_:count:into:)``; returns the new scale.
  package func merge(
    _ other: UnsafeRawPointer, scale otherScale: Float, share: Float, count: Int,
    into row: UnsafeMutableRawPointer, scale: Float
  ) -> Float {
    unsafe hkv_merge_rows(code, row, scale, other, otherScale, share, count)
  }
}
