internal import HeadKVFiles

/// A named tensor and its elements, to be written by ``SafetensorsWriter``.
public struct TensorToWrite: Sendable {
  /// The elements, in the type they are given in.
  enum Elements: Sendable {
    case f32([Float])
    case bf16([Float])
    case i64([Int64])
    case i32([Int32])
    case bytes(DType, [UInt8])
    case stored(DType, RawBytes)
  }

  /// The tensor's name; no other tensor of the file may have it.
  public let name: String
  /// The extent of each dimension, in elements.
  public let shape: [Int]
  let elements: Elements

  /// 32-bit floats, stored as they are. `values` are in row-major order; that their number is the
  /// product of `shape` is checked when the file is written.
  public static func f32(_ name: String, _ shape: [Int], _ values: [Float]) -> TensorToWrite {
    TensorToWrite(name: name, shape: shape, elements: .f32(values))
  }

  /// Floats stored as bfloat16, rounded to nearest, ties to even.
  public static func bf16(_ name: String, _ shape: [Int], _ values: [Float]) -> TensorToWrite {
    TensorToWrite(name: name, shape: shape, elements: .bf16(values))
  }

  /// 64-bit integers, stored as they are.
  public static func i64(_ name: String, _ shape: [Int], _ values: [Int64]) -> TensorToWrite {
    TensorToWrite(name: name, shape: shape, elements: .i64(values))
  }

  /// 32-bit integers, stored as they are.
  public static func i32(_ name: String, _ shape: [Int], _ values: [Int32]) -> TensorToWrite {
    TensorToWrite(name: name, shape: shape, elements: .i32(values))
  }

  /// Elements given as the little-endian bytes that are to be stored.
  public static func bytes(
    _ name: String, _ dtype: DType, _ shape: [Int], _ bytes: [UInt8]
  ) -> TensorToWrite {
    TensorToWrite(name: name, shape: shape, elements: .bytes(dtype, bytes))
  }

  /// Elements that lie in memory as they are to be stored.
  package static func stored(
    _ name: String, _ dtype: DType, _ shape: [Int], _ bytes: RawBytes
  ) -> TensorToWrite {
    TensorToWrite(name: name, shape: shape, elements: .stored(dtype, bytes))
  }

  /// SHA-256 of the elements, in 64 hexadecimal digits; nil unless they were given as stored.
  package func digest() -> String? {
    guard case .stored(_, let bytes) = elements else { return nil }
    return unsafe SHA256.digest(bytes.pointer)
  }

  var dtype: DType {
    switch elements {
    case .f32: .f32
    case .bf16: .bf16
    case .i64: .i64
    case .i32: .i32
    case .bytes(let dtype, _), .stored(let dtype, _): dtype
    }
  }

  var count: Int {
    switch elements {
    case .f32(let values), .bf16(let values): values.count
    case .i64(let values): values.count
    case .i32(let values): values.count
    case .bytes(let dtype, let bytes): bytes.count / dtype.byteCount
    case .stored(let dtype, let bytes): bytes.count / dtype.byteCount
    }
  }

  /// Whether the elements fill cache lines, so that what follows is aligned as they are.
  var fillsLines: Bool { count * dtype.byteCount % 64 == 0 }
}

/// Bytes in memory that `owner` keeps.
@safe
package struct RawBytes: @unchecked Sendable {
  private let base: UnsafeRawPointer
  let count: Int
  private let owner: AnyObject

  /// `base` stays valid, and its bytes the same, while `owner` lives.
  package init(_ base: UnsafeRawPointer, count: Int, owner: AnyObject) {
    unsafe self.base = base
    self.count = count
    self.owner = owner
  }

  @unsafe var pointer: UnsafeRawBufferPointer {
    unsafe UnsafeRawBufferPointer(start: base, count: count)
  }
}

/// Writes safetensors files.
public enum SafetensorsWriter {
  /// Writes the tensors and `metadata` to `path`, replacing what is there.
  ///
  /// The bytes go to a temporary file in the same directory, which is then renamed, so that `path`
  /// is whole or as it was before. O(bytes) time; memory beyond the tensors is a small buffer.
  /// Throws when a name occurs twice, a shape does not fit its values or a system call fails.
  public static func write(
    _ tensors: [TensorToWrite], metadata: [String: String] = [:], to path: String
  ) throws(WeightError) {
    // Whole cache lines first, then wider elements: the former are aligned to 64 bytes, the others
    // to their element size, with no gaps.
    let ordered = tensors.sorted {
      if $0.fillsLines != $1.fillsLines { return $0.fillsLines }
      return ($1.dtype.byteCount, $0.name) < ($0.dtype.byteCount, $1.name)
    }
    var header = try header(ordered, metadata, path)
    HeaderSeal.close(&header, metadata)
    func failure(_ error: FileError) -> WeightError { WeightError(error) }
    try AtomicFile.write(to: path, failure: failure) { file throws(WeightError) in
      do throws(FileError) {
        try file.append([UInt64(header.count).littleEndian])
        try file.append(header)
        for tensor in ordered { try append(tensor, to: file) }
      } catch { throw failure(error) }
    }
  }

  private static func header(
    _ tensors: [TensorToWrite], _ metadata: [String: String], _ path: String
  ) throws(WeightError) -> [UInt8] {
    var text = "{"
    if !metadata.isEmpty {
      text += "\"__metadata__\":{"
      text += metadata.sorted { $0.key < $1.key }
        .map { quoted($0.key) + ":" + quoted($0.value) }.joined(separator: ",")
      text += "}"
    }
    var names: Set<String> = ["__metadata__"]
    var offset = 0
    for tensor in tensors {
      guard names.insert(tensor.name).inserted else {
        throw WeightError(file: path, tensor: tensor.name, problem: .duplicate(tensor.name))
      }
      guard let layout = TensorInfo.rowMajor(tensor.shape),
        tensor.shape.count <= TensorInfo.maximumRank
      else {
        throw WeightError(
          file: path, tensor: tensor.name,
          problem: .malformed("\(tensor.shape) is not the shape of a tensor"))
      }
      guard layout.count == tensor.count else {
        throw WeightError(
          file: path, tensor: tensor.name,
          problem: .sizeMismatch(
            what: "number of values", expected: layout.count, found: tensor.count))
      }
      let end = offset + tensor.count * tensor.dtype.byteCount
      if text.utf8.count > 1 { text += "," }
      text += quoted(tensor.name)
      text += ":{\"dtype\":\"\(tensor.dtype.rawValue)\",\"shape\":["
      text += tensor.shape.map(String.init).joined(separator: ",")
      text += "],\"data_offsets\":[\(offset),\(end)]}"
      offset = end
    }
    text += "}"
    var bytes = [UInt8](text.utf8)
    while (bytes.count + 8) % 64 != 0 { bytes.append(UInt8(ascii: " ")) }
    guard bytes.count <= Safetensors.maximumHeader else {
      throw WeightError(
        file: path,
        problem: .limit(
          what: "header bytes", atMost: Safetensors.maximumHeader, found: bytes.count))
    }
    return bytes
  }

  private static func quoted(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": result += "\\\""
      case "\\": result += "\\\\"
      case _ where scalar.value < 0x20:
        let digits = String(scalar.value, radix: 16)
        result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result + "\""
  }

  private static func append(
    _ tensor: TensorToWrite, to file: borrowing AtomicFile.Writer
  ) throws(FileError) {
    switch tensor.elements {
    case .f32(let values):
      #if _endian(little)
        try file.append(values)
      #else
        try file.append(values.map(\.bitPattern.littleEndian))
      #endif
    case .i64(let values):
      #if _endian(little)
        try file.append(values)
      #else
        try file.append(values.map(\.littleEndian))
      #endif
    case .i32(let values):
      #if _endian(little)
        try file.append(values)
      #else
        try file.append(values.map(\.littleEndian))
      #endif
    case .bytes(_, let bytes): try file.append(bytes)
    case .stored(_, let bytes): try unsafe file.append(bytes.pointer)
    case .bf16(let values):
      var start = 0
      while start < values.count {
        let end = min(start + 65536, values.count)
        try file.append(values[start..<end].map { HalfFloat.toBF16($0).littleEndian })
        start = end
      }
    }
  }
}
