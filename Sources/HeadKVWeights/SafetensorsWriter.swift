import Foundation

/// A tensor to be written.
public struct TensorToWrite: Sendable {
  let name: String
  let dtype: DType
  let shape: [Int]
  let bytes: [UInt8]

  /// - Precondition: `values` fill `shape`.
  public static func f32(_ name: String, _ shape: [Int], _ values: [Float]) -> TensorToWrite {
    make(name, .f32, shape, values) { $0.bitPattern.littleEndian }
  }

  /// Rounds to the nearest bf16, ties to even.
  public static func bf16(_ name: String, _ shape: [Int], _ values: [Float]) -> TensorToWrite {
    make(name, .bf16, shape, values) { value in
      let bits = value.bitPattern
      if value.isNaN { return UInt16(bits >> 16) | 0x40 }
      return UInt16(truncatingIfNeeded: (bits + 0x7FFF + (bits >> 16 & 1)) >> 16).littleEndian
    }
  }

  public static func i64(_ name: String, _ shape: [Int], _ values: [Int64]) -> TensorToWrite {
    make(name, .i64, shape, values) { $0.littleEndian }
  }

  private static func make<T, U: FixedWidthInteger>(
    _ name: String, _ dtype: DType, _ shape: [Int], _ values: [T], _ bits: (T) -> U
  ) -> TensorToWrite {
    precondition(TensorInfo.product(shape) == values.count, "values do not fill the shape")
    var bytes: [UInt8] = []
    bytes.reserveCapacity(values.count * dtype.byteCount)
    for value in values {
      let word = bits(value)
      for byte in 0..<dtype.byteCount { bytes.append(UInt8(truncatingIfNeeded: word >> (8 * byte))) }
    }
    return TensorToWrite(name: name, dtype: dtype, shape: shape, bytes: bytes)
  }
}

/// Writes safetensors files.
public enum SafetensorsWriter {
  /// Writes a temporary file beside `path` and renames it: the file is whole or absent.
  ///
  /// - Throws: ``WeightError`` with the path and the cause.
  public static func write(
    _ tensors: [TensorToWrite], metadata: [String: String] = [:], to path: String
  ) throws(WeightError) {
    var header: [String: Any] = [:]
    if !metadata.isEmpty { header["__metadata__"] = metadata }
    var offset = 0
    for tensor in tensors {
      header[tensor.name] = [
        "dtype": tensor.dtype.rawValue, "shape": tensor.shape,
        "data_offsets": [offset, offset + tensor.bytes.count],
      ]
      offset += tensor.bytes.count
    }
    do {
      var json = try JSONSerialization.data(withJSONObject: header, options: .sortedKeys)
      while json.count % 8 != 0 { json.append(UInt8(ascii: " ")) }
      var data = Data()
      for byte in 0..<8 { data.append(UInt8(truncatingIfNeeded: json.count >> (8 * byte))) }
      data += json
      for tensor in tensors { data += tensor.bytes }
      try data.write(to: URL(fileURLWithPath: path), options: .atomic)
    } catch {
      throw WeightError(path, .unwritable((error as NSError).localizedDescription))
    }
  }
}
