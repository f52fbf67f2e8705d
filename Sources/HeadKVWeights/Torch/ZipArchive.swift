/// The members of a zip archive, found through its central directory, Zip64 included.
///
/// Only stored members are read. Checksums are not verified, for that would read every byte.
struct ZipArchive {
  /// The bytes of a member, from the start of the file.
  let members: [String: Range<Int>]

  private static let localSignature: UInt32 = 0x0403_4b50
  private static let centralSignature: UInt32 = 0x0201_4b50
  private static let endSignature: UInt32 = 0x0605_4b50
  private static let end64Signature: UInt32 = 0x0606_4b50
  private static let locatorSignature: UInt32 = 0x0706_4b50

  /// Whether the file begins as a zip archive does.
  static func isZip(_ file: MappedFile) -> Bool {
    guard var reader = try? ByteReader(file, 0..<min(4, file.count)),
      let signature = try? reader.u32()
    else { return false }
    return signature == localSignature || signature == endSignature
  }

  /// Reads the directory and checks that every member is stored, lies before the directory and
  /// overlaps no other. O(members log members).
  init(_ file: MappedFile) throws(WeightError) {
    let directory = try Self.findDirectory(file)
    func fail(_ offset: Int, _ problem: WeightError.Problem) -> WeightError {
      WeightError(file: file.path, offset: offset, problem: problem)
    }
    var reader = try ByteReader(file, directory.range)
    var members: [String: Range<Int>] = [:]
    var extents: [(range: Range<Int>, name: String)] = []
    for _ in 0..<directory.count {
      let entry = try Self.centralEntry(&reader)
      let data = try Self.locate(entry, file, before: directory.range.lowerBound)
      if members.updateValue(data, forKey: entry.name) != nil {
        throw fail(reader.position, .duplicate(entry.name))
      }
      extents.append((entry.header..<data.upperBound, entry.name))
    }
    guard reader.remaining == 0 else {
      throw fail(
        reader.position,
        .sizeMismatch(
          what: "central directory bytes", expected: directory.range.count,
          found: directory.range.count - reader.remaining))
    }
    extents.sort { $0.range.lowerBound < $1.range.lowerBound }
    for (left, right) in zip(extents, extents.dropFirst())
    where left.range.upperBound > right.range.lowerBound {
      throw fail(
        right.range.lowerBound, .malformed("members '\(left.name)' and '\(right.name)' overlap"))
    }
    self.members = members
  }

  /// One entry of the central directory.
  private struct Entry {
    var name: String
    var size: Int
    /// Where the local header begins.
    var header: Int
  }

  private static func findDirectory(
    _ file: MappedFile
  ) throws(WeightError) -> (range: Range<Int>, count: Int) {
    func fail(_ offset: Int, _ problem: WeightError.Problem) -> WeightError {
      WeightError(file: file.path, offset: offset, problem: problem)
    }
    guard let end = findEnd(file) else {
      throw fail(
        file.count, .malformed("the end record of the zip archive is missing (truncated file?)"))
    }
    var reader = try ByteReader(file, end..<file.count)
    _ = try reader.u32()
    let disk = try reader.u16()
    let directoryDisk = try reader.u16()
    let countHere = try reader.u16()
    var count = Int(try reader.u16())
    var size = Int(try reader.u32())
    var offset = Int(try reader.u32())
    var limit = end
    if count == 0xffff || size == 0xffff_ffff || offset == 0xffff_ffff {
      guard end >= 20 else { throw fail(end, .malformed("the Zip64 locator is missing")) }
      var locator = try ByteReader(file, end - 20..<end)
      guard try locator.u32() == locatorSignature else {
        throw fail(end - 20, .malformed("the Zip64 locator is missing"))
      }
      _ = try locator.u32()
      let record = try locator.size64()
      guard record <= end - 20, end - 20 - record >= 56 else {
        throw fail(
          end - 12, .outOfRange(what: "Zip64 end record", atMost: end - 76, found: record))
      }
      var wide = try ByteReader(file, record..<end - 20)
      guard try wide.u32() == end64Signature else {
        throw fail(record, .malformed("the Zip64 end record is missing"))
      }
      _ = try wide.advance(20)
      let countHere = try wide.size64()
      count = try wide.size64()
      size = try wide.size64()
      offset = try wide.size64()
      limit = record
      guard countHere == count else { throw fail(record, .unsupported("an archive in parts")) }
    } else if disk != 0 || directoryDisk != 0 || Int(countHere) != count {
      throw fail(end, .unsupported("an archive in parts"))
    }
    guard offset <= limit, size <= limit - offset else {
      throw fail(
        end,
        .outOfRange(
          what: "central directory", atMost: limit,
          found: offset.addingReportingOverflow(size).overflow ? Int.max : offset + size))
    }
    // An entry takes 46 bytes at least, which bounds the work by the size of the file.
    guard count <= size / 46 else {
      throw fail(end, .outOfRange(what: "member count", atMost: size / 46, found: count))
    }
    return (offset..<offset + size, count)
  }

  /// The end record: the last one whose comment reaches exactly to the end of the file.
  private static func findEnd(_ file: MappedFile) -> Int? {
    let bytes = unsafe file.bytes
    guard bytes.count >= 22 else { return nil }
    var at = bytes.count - 22
    let lowest = max(0, at - 0xffff)
    while at >= lowest {
      if unsafe bytes[at] == 0x50,
        unsafe UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: at, as: UInt32.self))
          == endSignature,
        unsafe Int(
          UInt16(littleEndian: bytes.loadUnaligned(fromByteOffset: at + 20, as: UInt16.self)))
          == bytes.count - at - 22
      {
        return at
      }
      at -= 1
    }
    return nil
  }

  private static func centralEntry(_ reader: inout ByteReader) throws(WeightError) -> Entry {
    let start = reader.position
    let path = reader.file.path
    func fail(_ problem: WeightError.Problem) -> WeightError {
      WeightError(file: path, offset: start, problem: problem)
    }
    guard try reader.u32() == centralSignature else {
      throw fail(.malformed("a central directory entry is missing"))
    }
    _ = try reader.advance(4)
    let flags = try reader.u16()
    let method = try reader.u16()
    _ = try reader.advance(8)
    var packed = Int(try reader.u32())
    var size = Int(try reader.u32())
    let nameCount = Int(try reader.u16())
    let extraCount = Int(try reader.u16())
    let commentCount = Int(try reader.u16())
    let disk = try reader.u16()
    _ = try reader.advance(6)
    var header = Int(try reader.u32())
    let name = try reader.string(nameCount)
    let extra = try reader.advance(extraCount)
    _ = try reader.advance(commentCount)

    if packed == 0xffff_ffff || size == 0xffff_ffff || header == 0xffff_ffff {
      var fields = try ByteReader(reader.file, extra..<extra + extraCount)
      var found = false
      while !found, fields.remaining >= 4 {
        let id = try fields.u16()
        let length = Int(try fields.u16())
        let at = try fields.advance(length)
        guard id == 1 else { continue }
        var wide = try ByteReader(reader.file, at..<at + length)
        if size == 0xffff_ffff { size = try wide.size64() }
        if packed == 0xffff_ffff { packed = try wide.size64() }
        if header == 0xffff_ffff { header = try wide.size64() }
        found = true
      }
      if !found { throw fail(.malformed("member '\(name)' lacks its Zip64 sizes")) }
    }
    guard flags & 0x2041 == 0 else { throw fail(.unsupported("encrypted member '\(name)'")) }
    guard method == 0 else {
      throw fail(.unsupported("compressed member '\(name)' (method \(method))"))
    }
    guard disk == 0 || disk == 0xffff else { throw fail(.unsupported("an archive in parts")) }
    guard packed == size else {
      throw fail(
        .sizeMismatch(what: "stored size of member '\(name)'", expected: size, found: packed))
    }
    return Entry(name: name, size: size, header: header)
  }

  /// The member's bytes, after a check of its local header against the directory.
  private static func locate(
    _ entry: Entry, _ file: MappedFile, before limit: Int
  ) throws(WeightError) -> Range<Int> {
    func fail(_ problem: WeightError.Problem) -> WeightError {
      WeightError(file: file.path, offset: entry.header, problem: problem)
    }
    guard entry.header <= limit else {
      throw fail(
        .outOfRange(
          what: "header of member '\(entry.name)'", atMost: limit, found: entry.header))
    }
    var reader = try ByteReader(file, entry.header..<limit)
    guard try reader.u32() == localSignature else {
      throw fail(.malformed("member '\(entry.name)' has no local header"))
    }
    _ = try reader.advance(2)
    let flags = try reader.u16()
    let method = try reader.u16()
    _ = try reader.advance(8)
    let packed = Int(try reader.u32())
    let size = Int(try reader.u32())
    let nameCount = Int(try reader.u16())
    let extraCount = Int(try reader.u16())
    let name = try reader.string(nameCount)
    guard name == entry.name, method == 0 else {
      throw fail(.malformed("member '\(entry.name)' has another name or method in its header"))
    }
    // Sizes follow the data when bit 3 is set, and are in the extra field when all ones.
    if flags & 8 == 0 {
      for found in [packed, size] where found != entry.size && found != 0xffff_ffff {
        throw fail(
          .sizeMismatch(
            what: "size of member '\(entry.name)' in its header", expected: entry.size,
            found: found))
      }
    }
    _ = try reader.advance(extraCount)
    guard entry.size <= reader.remaining else {
      throw fail(
        .outOfRange(
          what: "size of member '\(entry.name)'", atMost: reader.remaining, found: entry.size))
    }
    return reader.position..<reader.position + entry.size
  }
}
