/// Reads little-endian values from a range of a file; every read is checked.
@safe struct ByteReader {
  let file: MappedFile
  private let base: UnsafeRawBufferPointer
  /// The next byte to read, from the start of the file.
  private(set) var position: Int
  /// One past the last byte that may be read.
  let end: Int

  /// Throws when `range` is not inside the file.
  init(_ file: MappedFile, _ range: Range<Int>) throws(WeightError) {
    guard range.lowerBound >= 0, range.upperBound <= file.count else {
      throw WeightError(
        file: file.path, offset: range.lowerBound,
        problem: .outOfRange(what: "byte range", atMost: file.count, found: range.upperBound))
    }
    self.file = file
    unsafe base = file.bytes
    position = range.lowerBound
    end = range.upperBound
  }

  /// The bytes that are left.
  var remaining: Int { end - position }

  /// What is wrong at the next byte.
  func error(_ problem: WeightError.Problem) -> WeightError {
    WeightError(file: file.path, offset: position, problem: problem)
  }

  /// Moves over `count` bytes and returns where they begin.
  @inline(__always)
  mutating func advance(_ count: Int) throws(WeightError) -> Int {
    guard count >= 0, count <= end - position else {
      throw error(.truncated(neededBytes: count, availableBytes: end - position))
    }
    let start = position
    position += count
    return start
  }

  mutating func u8() throws(WeightError) -> UInt8 {
    let at = try advance(1)
    return unsafe base[at]
  }

  mutating func u16() throws(WeightError) -> UInt16 {
    let at = try advance(2)
    return unsafe UInt16(littleEndian: base.loadUnaligned(fromByteOffset: at, as: UInt16.self))
  }

  mutating func u32() throws(WeightError) -> UInt32 {
    let at = try advance(4)
    return unsafe UInt32(littleEndian: base.loadUnaligned(fromByteOffset: at, as: UInt32.self))
  }

  mutating func u64() throws(WeightError) -> UInt64 {
    let at = try advance(8)
    return unsafe UInt64(littleEndian: base.loadUnaligned(fromByteOffset: at, as: UInt64.self))
  }

  /// A 64-bit length or position; throws when it does not fit an `Int`.
  mutating func size64() throws(WeightError) -> Int {
    let start = position
    let value = try u64()
    guard let size = Int(exactly: value) else {
      throw WeightError(
        file: file.path, offset: start,
        problem: .malformed("a 64-bit size is beyond the representable range"))
    }
    return size
  }

  mutating func bytes(_ count: Int) throws(WeightError) -> [UInt8] {
    let at = try advance(count)
    return unsafe [UInt8](UnsafeRawBufferPointer(rebasing: base[at..<at + count]))
  }

  /// Text in UTF-8; throws when the bytes are not valid.
  mutating func string(_ count: Int) throws(WeightError) -> String {
    let at = try advance(count)
    guard
      let text = unsafe String(
        validating: UnsafeRawBufferPointer(rebasing: base[at..<at + count]), as: UTF8.self)
    else {
      throw WeightError(file: file.path, offset: at, problem: .malformed("text is not valid UTF-8"))
    }
    return text
  }

  /// Text up to a line feed, which is consumed and left out.
  mutating func line(atMost limit: Int) throws(WeightError) -> String {
    var length = 0
    while length <= limit {
      let at = position + length
      guard at < end else { break }
      if unsafe base[at] == 10 {
        let text = try string(length)
        _ = try advance(1)
        return text
      }
      length += 1
    }
    throw error(.malformed("unterminated line"))
  }
}
