/// A tensor where it lies; keeps its file mapped.
public final class StoredTensor: Sendable {
  public let info: TensorInfo
  private let file: MappedFile

  init(_ info: TensorInfo, _ file: MappedFile) {
    self.info = info
    self.file = file
  }

  /// All elements in row-major order, widened or rounded to f32.
  ///
  /// - Complexity: O(elements).
  public func floats() throws(WeightError) -> [Float] {
    let dtype = info.dtype
    return try elements { (bytes: UnsafeRawBufferPointer, at: Int) -> Float in
      switch dtype {
      case .f64: unsafe Float(bytes.loadUnaligned(fromByteOffset: at, as: Double.self))
      case .f32: unsafe bytes.loadUnaligned(fromByteOffset: at, as: Float.self)
      case .f16:
        HalfPrecision.float(unsafe bytes.loadUnaligned(fromByteOffset: at, as: UInt16.self))
      case .bf16:
        unsafe Float(
          bitPattern: UInt32(bytes.loadUnaligned(fromByteOffset: at, as: UInt16.self)) << 16)
      default: unsafe Float(Self.integer(bytes, at, dtype))
      }
    }
  }

  /// All elements of an integer tensor in row-major order.
  ///
  /// - Throws: ``WeightError`` for a floating-point tensor.
  public func integers() throws(WeightError) -> [Int64] {
    let dtype = info.dtype
    guard dtype.isInteger else {
      throw WeightError(
        info.file, .type(expected: "integers", found: dtype), tensor: info.name)
    }
    return try elements { unsafe Self.integer($0, $1, dtype) }
  }

  /// The elements in place; nil if they do not lie in one row-major run on their alignment.
  package var contiguousBytes: UnsafeRawBufferPointer? {
    guard info.isContiguous, info.byteCount > 0 else { return nil }
    let run = unsafe UnsafeRawBufferPointer(
      rebasing: file.bytes[info.offset..<info.offset + info.byteCount])
    let address = unsafe Int(bitPattern: run.baseAddress)
    return unsafe address % info.dtype.byteCount == 0 ? run : nil
  }

  private static func integer(
    _ bytes: UnsafeRawBufferPointer, _ at: Int, _ dtype: DType
  ) -> Int64 {
    switch dtype {
    case .i64: unsafe bytes.loadUnaligned(fromByteOffset: at, as: Int64.self)
    case .i32: unsafe Int64(bytes.loadUnaligned(fromByteOffset: at, as: Int32.self))
    case .i16: unsafe Int64(bytes.loadUnaligned(fromByteOffset: at, as: Int16.self))
    case .i8: unsafe Int64(bytes.loadUnaligned(fromByteOffset: at, as: Int8.self))
    default: unsafe Int64(bytes.loadUnaligned(fromByteOffset: at, as: UInt8.self))
    }
  }

  private func elements<T>(
    _ load: (UnsafeRawBufferPointer, Int) -> T
  ) throws(WeightError) -> [T] {
    // A view with stride 0 may name far more elements than the file has bytes.
    guard info.byteCount <= max(file.count, 1 << 20) else {
      throw WeightError(
        info.file,
        .outOfRange(what: "its size in bytes", found: info.byteCount, limit: file.count),
        tensor: info.name)
    }
    let size = info.dtype.byteCount
    var result: [T] = []
    result.reserveCapacity(info.elementCount)
    if info.isContiguous {
      for index in 0..<info.elementCount {
        unsafe result.append(load(file.bytes, info.offset + index * size))
      }
      return result
    }
    var index = [Int](repeating: 0, count: info.shape.count)
    var element = 0
    for _ in 0..<info.elementCount {
      unsafe result.append(load(file.bytes, info.offset + element * size))
      for axis in stride(from: info.shape.count - 1, through: 0, by: -1) {
        index[axis] += 1
        element += info.strides[axis]
        if index[axis] < info.shape[axis] { break }
        element -= index[axis] * info.strides[axis]
        index[axis] = 0
      }
    }
    return result
  }
}

/// IEEE half precision, widened exactly.
enum HalfPrecision {
  static func float(_ bits: UInt16) -> Float {
    let sign = UInt32(bits & 0x8000) << 16
    let exponent = UInt32(bits >> 10) & 0x1F
    let fraction = UInt32(bits) & 0x3FF
    switch exponent {
    case 0:
      let size = Float(fraction) * 0x1p-24
      return sign == 0 ? size : -size
    case 31: return Float(bitPattern: sign | 0x7F80_0000 | fraction << 13)
    default: return Float(bitPattern: sign | (exponent + 112) << 23 | fraction << 13)
    }
  }
}
