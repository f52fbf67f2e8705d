import HeadKVMath

/// The element type in which a cache holds keys and values; attention computes in f32 whatever it is.
///
/// Values are rounded to nearest even when a row is stored. Numbers too large for `f16` (beyond
/// 65504) or `bf16` become the largest finite one. A merged row is averaged in f32 and rounded anew.
public enum CacheElement: String, Sendable, Hashable, Codable, CaseIterable, BitwiseCopyable {
  /// As computed.
  case f32
  /// IEEE half precision: 11 significant bits.
  case f16
  /// The upper half of f32: 8 significant bits, the range of f32.
  case bf16
  /// Whole numbers in -127...127; each key and each value has a scale of its own, max|x| / 127.
  case int8

  /// Bytes of one element.
  public var byteCount: Int { row.byteCount }

  /// Bytes of a key and its value of `headDimension` elements each, their scales included.
  public func byteCount(headDimension: Int) -> Int {
    2 * (headDimension * byteCount + (row.isScaled ? MemoryLayout<Float>.stride : 0))
  }

  package var row: RowElement {
    switch self {
    case .f32: .f32
    case .f16: .f16
    case .bf16: .bf16
    case .int8: .int8
    }
  }
}
