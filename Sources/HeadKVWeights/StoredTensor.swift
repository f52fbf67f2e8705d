internal import HeadKVFiles

/// A tensor's elements in its file. Keeps the file mapped for as long as it lives.
public final class StoredTensor: Sendable {
  /// Where the elements lie and how.
  public let info: TensorInfo
  private let file: MappedFile

  /// The caller has checked that every element of `info` lies in `file`; it is checked once more
  /// here, so that no access can leave the mapping.
  init(info: TensorInfo, file: MappedFile) throws(WeightError) {
    self.info = info
    self.file = file
    if info.elementCount > 0 {
      guard let reach = TensorInfo.reach(shape: info.shape, strides: info.strides),
        reach < file.count, info.offset <= file.count,
        (reach + 1) <= (file.count - info.offset) / info.dtype.byteCount
      else {
        throw WeightError(
          file: info.file, tensor: info.name, offset: info.offset,
          problem: .outOfRange(what: "tensor end", atMost: file.count, found: info.offset))
      }
    }
  }

  /// The elements in row-major order, converted to 32-bit floats: exactly from F32, F16, BF16 and
  /// integers of up to 16 bits, rounded to nearest from F64 and wider integers. A truth value
  /// gives 0 or 1.
  ///
  /// O(elements) time; allocates 4 bytes per element. Does not throw at present; the signature
  /// leaves room for element types without a float value.
  public func floats() throws(WeightError) -> [Float] {
    // All empty arrays share their memory, which the initialiser would write to.
    if info.elementCount == 0 { return [] }
    return unsafe [Float](unsafeUninitializedCapacity: info.elementCount) { buffer, count in
      if let base = buffer.baseAddress { unsafe fill(base) }
      count = info.elementCount
    }
  }

  /// The elements in row-major order as 64-bit integers; a truth value gives 0 or 1.
  ///
  /// O(elements) time; allocates 8 bytes per element. Throws for the float types.
  public func integers() throws(WeightError) -> [Int64] {
    guard info.dtype.isInteger else {
      throw WeightError(
        file: info.file, tensor: info.name,
        problem: .typeMismatch(expected: "an integer type", found: info.dtype.rawValue))
    }
    if info.elementCount == 0 { return [] }
    return unsafe [Int64](unsafeUninitializedCapacity: info.elementCount) { buffer, count in
      if let base = buffer.baseAddress {
        switch info.dtype {
        case .i64: unsafe each(Int64.self, base) { Int64(littleEndian: $0) }
        case .i32: unsafe each(Int32.self, base) { Int64(Int32(littleEndian: $0)) }
        case .i16: unsafe each(Int16.self, base) { Int64(Int16(littleEndian: $0)) }
        case .i8: unsafe each(Int8.self, base) { Int64($0) }
        case .u8: unsafe each(UInt8.self, base) { Int64($0) }
        default: unsafe each(UInt8.self, base) { $0 == 0 ? 0 : 1 }
        }
      }
      count = info.elementCount
    }
  }

  /// The elements as they are stored, little-endian, in row-major order. O(bytes); copies them.
  ///
  /// Throws when they do not lie in one piece.
  public func bytes() throws(WeightError) -> [UInt8] {
    guard info.isContiguous else {
      throw WeightError(
        file: info.file, tensor: info.name, problem: .malformed("the elements lie apart"))
    }
    if info.elementCount == 0 { return [] }
    return unsafe Array(file.bytes[info.offset..<info.offset + info.byteCount])
  }

  /// Writes what ``floats()`` returns to `destination`, which has room for
  /// `info.elementCount` floats. O(elements); a single copy for contiguous F32.
  package func copyFloats(into destination: UnsafeMutablePointer<Float>) throws(WeightError) {
    unsafe fill(destination)
  }

  /// The elements in place, valid while this object lives; nil when the view is not contiguous
  /// or the address is not aligned to the element size. O(rank).
  package var contiguousBytes: UnsafeRawBufferPointer? {
    guard info.isContiguous else { return nil }
    if info.elementCount == 0 { return unsafe UnsafeRawBufferPointer(start: nil, count: 0) }
    let bytes = unsafe UnsafeRawBufferPointer(
      rebasing: file.bytes[info.offset..<info.offset + info.byteCount])
    guard let base = bytes.baseAddress, Int(bitPattern: base) % info.dtype.byteCount == 0 else {
      return nil
    }
    return unsafe bytes
  }

  /// Gives back the memory that the tensor's pages take, if the file is mapped; they are read from
  /// it again when touched. `range` counts bytes of the tensor and defaults to all of them; pages
  /// that it shares with others are left.
  package func forgetPages(_ range: Range<Int>? = nil) {
    guard info.isContiguous else { return }
    let range = range ?? 0..<info.byteCount
    file.forget(info.offset + range.lowerBound..<info.offset + range.upperBound)
  }

  /// SHA-256 of the elements as they are stored, in 64 hexadecimal digits; nil if they do not lie
  /// in one piece. O(bytes).
  package func digest() -> String? {
    guard let bytes = unsafe contiguousBytes else { return nil }
    return unsafe SHA256.digest(bytes)
  }

  private func fill(_ destination: UnsafeMutablePointer<Float>) {
    switch info.dtype {
    case .f32:
      #if _endian(little)
        if info.elementCount > 0, info.isContiguous, let start = unsafe file.bytes.baseAddress {
          unsafe UnsafeMutableRawPointer(destination).copyMemory(
            from: start + info.offset, byteCount: info.byteCount)
          return
        }
      #endif
      unsafe each(UInt32.self, destination) { Float(bitPattern: UInt32(littleEndian: $0)) }
    case .f64:
      unsafe each(UInt64.self, destination) {
        Float(Double(bitPattern: UInt64(littleEndian: $0)))
      }
    case .f16: unsafe each(UInt16.self, destination) { HalfFloat.f16(UInt16(littleEndian: $0)) }
    case .bf16: unsafe each(UInt16.self, destination) { HalfFloat.bf16(UInt16(littleEndian: $0)) }
    case .i64: unsafe each(Int64.self, destination) { Float(Int64(littleEndian: $0)) }
    case .i32: unsafe each(Int32.self, destination) { Float(Int32(littleEndian: $0)) }
    case .i16: unsafe each(Int16.self, destination) { Float(Int16(littleEndian: $0)) }
    case .i8: unsafe each(Int8.self, destination) { Float($0) }
    case .u8: unsafe each(UInt8.self, destination) { Float($0) }
    case .bool: unsafe each(UInt8.self, destination) { $0 == 0 ? 0 : 1 }
    }
  }

  /// Calls `convert` on every element in row-major order and stores the results one after another.
  @inline(__always)
  private func each<Raw: BitwiseCopyable, Value: BitwiseCopyable>(
    _: Raw.Type, _ destination: UnsafeMutablePointer<Value>, _ convert: (Raw) -> Value
  ) {
    let count = info.elementCount
    guard count > 0, let start = unsafe file.bytes.baseAddress else { return }
    let base = unsafe start + info.offset
    let size = MemoryLayout<Raw>.stride
    if info.isContiguous {
      for index in 0..<count {
        unsafe (destination + index).initialize(
          to: convert(base.loadUnaligned(fromByteOffset: index &* size, as: Raw.self)))
      }
      return
    }
    // An odometer over the outer dimensions; the last one is the inner loop.
    let shape = info.shape
    let strides = info.strides
    let last = shape.count - 1
    var counters = [Int](repeating: 0, count: shape.count)
    var outer = 0
    var written = 0
    while written < count {
      var element = outer
      for _ in 0..<shape[last] {
        unsafe (destination + written).initialize(
          to: convert(base.loadUnaligned(fromByteOffset: element &* size, as: Raw.self)))
        written += 1
        element &+= strides[last]
      }
      var axis = last - 1
      while axis >= 0 {
        counters[axis] += 1
        outer &+= strides[axis]
        if counters[axis] < shape[axis] { break }
        outer &-= strides[axis] &* shape[axis]
        counters[axis] = 0
        axis -= 1
      }
    }
  }
}
