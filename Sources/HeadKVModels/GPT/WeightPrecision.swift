import HeadKVMath

/// In which precision a model's matrices are held and multiplied.
///
/// Sums, norms, the cache and attention are in f32 whatever it is.
public enum WeightPrecision: String, Sendable, Hashable, CaseIterable {
  /// As stored, in place in the mapped file; the arithmetic is f32.
  case auto
  /// f32, packed for the kernels.
  case f32
  /// bfloat16, weights and inputs rounded to nearest; half the memory traffic of f32.
  case bf16
  /// The same, bit for bit, with weights in 12 bits: nearly all weights near each other share one of
  /// 15 high bytes, and the others are listed. Three eighths of the memory traffic of f32; unpacking
  /// costs some time where many pictures are drawn at once.
  case bf12
  /// Bytes with a scale for each output and for each 64 inputs of a row; a quarter of it.
  case int8

  package var packing: Packing? {
    switch self {
    case .auto: nil
    case .f32: .f32
    case .bf16: .bf16
    case .bf12: .bf12
    case .int8: .int8
    }
  }
}
