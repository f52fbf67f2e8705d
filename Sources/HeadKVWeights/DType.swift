/// The type of a stored element. The raw value is the name safetensors gives it.
public enum DType: String, Sendable, CaseIterable {
  case f64 = "F64"
  case f32 = "F32"
  case f16 = "F16"
  case bf16 = "BF16"
  case i64 = "I64"
  case i32 = "I32"
  case i16 = "I16"
  case i8 = "I8"
  case u8 = "U8"
  case bool = "BOOL"

  /// The size of one element, in bytes.
  public var byteCount: Int {
    switch self {
    case .f64, .i64: 8
    case .f32, .i32: 4
    case .f16, .bf16, .i16: 2
    case .i8, .u8, .bool: 1
    }
  }

  /// Whether the element is an integer or a truth value.
  public var isInteger: Bool {
    switch self {
    case .f64, .f32, .f16, .bf16: false
    case .i64, .i32, .i16, .i8, .u8, .bool: true
    }
  }
}

/// Conversions between 32-bit floats and the two 16-bit formats, on bit patterns.
package enum HalfFloat {
  /// The value of an IEEE binary16 bit pattern; exact for every pattern, subnormals included.
  @inline(__always)
  package static func f16(_ bits: UInt16) -> Float {
    let sign = UInt32(bits & 0x8000) << 16
    let exponent = UInt32(bits >> 10) & 0x1f
    let fraction = UInt32(bits) & 0x3ff
    if exponent == 0 {
      // A subnormal is fraction * 2^-24, which a Float holds exactly.
      let magnitude = Float(fraction) * 0x1p-24
      return Float(bitPattern: magnitude.bitPattern | sign)
    }
    if exponent == 0x1f {
      return Float(bitPattern: sign | 0x7f80_0000 | fraction << 13)
    }
    return Float(bitPattern: sign | (exponent + 112) << 23 | fraction << 13)
  }

  /// The value of a bfloat16 bit pattern; exact.
  @inline(__always)
  package static func bf16(_ bits: UInt16) -> Float { Float(bitPattern: UInt32(bits) << 16) }

  /// The bfloat16 nearest to `value`, ties to even. A NaN stays a NaN.
  @inline(__always)
  package static func toBF16(_ value: Float) -> UInt16 {
    let bits = value.bitPattern
    if value.isNaN { return UInt16(truncatingIfNeeded: bits >> 16) | 0x40 }
    let rounded = bits &+ 0x7fff &+ (bits >> 16 & 1)
    return UInt16(truncatingIfNeeded: rounded >> 16)
  }
}
