/// The members of a zip file, read from its central directory; Zip64 included.
///
/// Only stored members are of use: PyTorch never compresses, and a stored member can be used where
/// it lies. Sizes and places are checked against the file before anything is read.
struct ZipArchive {
  struct Member {
    /// First byte of the member's data in the file.
    let offset: Int
    let size: Int
  }

  private(set) var members: [String: Member] = [:]

  private static let endSize = 22
  private static let mostMembers = 1_000_000

  static func recognises(_ file: MappedFile) -> Bool {
    file.integer(UInt32.self, at: 0) == 0x0403_4B50
  }

  /// - Throws: ``WeightError`` for a damaged directory, a compressed or encrypted member, members
  ///   outside the file or over each other.
  init(_ file: MappedFile) throws(WeightError) {
    let directory = try Self.directory(file)
    guard directory.entries <= Self.mostMembers else {
      throw WeightError(
        file.path,
        .outOfRange(
          what: "the number of zip members", found: directory.entries, limit: Self.mostMembers))
    }
    var at = directory.offset
    for _ in 0..<directory.entries {
      let entry = try Entry(file, at: at)
      at = entry.end
      if entry.name.hasSuffix("/") && entry.size == 0 { continue }
      guard members[entry.name] == nil else {
        throw WeightError(file.path, .malformed("zip member \(entry.name) is there twice"))
      }
      members[entry.name] = try Self.place(entry, file)
    }
    try checkOverlaps(file)
  }

  private static func directory(
    _ file: MappedFile
  ) throws(WeightError) -> (offset: Int, entries: Int) {
    var at = file.count - endSize
    let lowest = max(0, at - 65_535)
    while at >= lowest, file.integer(UInt32.self, at: at) != 0x0605_4B50 { at -= 1 }
    guard at >= lowest, let entries = file.integer(UInt16.self, at: at + 10),
      let offset = file.integer(UInt32.self, at: at + 16)
    else { throw WeightError(file.path, .malformed("the zip directory is missing")) }
    if entries != .max && offset != .max { return (Int(offset), Int(entries)) }
    guard file.integer(UInt32.self, at: at - 20) == 0x0706_4B50,
      let place = file.integer(UInt64.self, at: at - 12), let end = Int(exactly: place),
      file.integer(UInt32.self, at: end) == 0x0606_4B50,
      let many = file.integer(UInt64.self, at: end + 32).flatMap(Int.init(exactly:)),
      let start = file.integer(UInt64.self, at: end + 48).flatMap(Int.init(exactly:))
    else { throw WeightError(file.path, .malformed("the Zip64 directory is damaged"), offset: at) }
    return (start, many)
  }

  private static func place(_ entry: Entry, _ file: MappedFile) throws(WeightError) -> Member {
    guard file.integer(UInt32.self, at: entry.local) == 0x0403_4B50,
      let name = file.integer(UInt16.self, at: entry.local + 26),
      let extra = file.integer(UInt16.self, at: entry.local + 28)
    else {
      throw WeightError(
        file.path, .malformed("zip member \(entry.name) has no header"), offset: entry.local)
    }
    let start = entry.local + 30 + Int(name) + Int(extra)
    guard start <= file.count, entry.size <= file.count - start else {
      throw WeightError(
        file.path,
        .outOfRange(
          what: "the size of zip member \(entry.name)", found: entry.size,
          limit: max(file.count - start, 0)), offset: start)
    }
    return Member(offset: start, size: entry.size)
  }

  private func checkOverlaps(_ file: MappedFile) throws(WeightError) {
    let sorted = members.filter { $0.value.size > 0 }.sorted { $0.value.offset < $1.value.offset }
    for (a, b) in zip(sorted, sorted.dropFirst())
    where a.value.offset + a.value.size > b.value.offset {
      throw WeightError(
        file.path, .malformed("zip members \(a.key) and \(b.key) overlap"), offset: b.value.offset)
    }
  }
}

/// One entry of the central directory.
private struct Entry {
  let name: String
  let size: Int
  /// Place of the member's own header.
  let local: Int
  let end: Int

  init(_ file: MappedFile, at: Int) throws(WeightError) {
    func damaged() -> WeightError {
      WeightError(file.path, .malformed("the zip directory is damaged"), offset: at)
    }
    guard at >= 0, file.integer(UInt32.self, at: at) == 0x0201_4B50,
      let flags = file.integer(UInt16.self, at: at + 8),
      let method = file.integer(UInt16.self, at: at + 10),
      let packed = file.integer(UInt32.self, at: at + 20),
      let plain = file.integer(UInt32.self, at: at + 24),
      let nameSize = file.integer(UInt16.self, at: at + 28).map(Int.init),
      let extraSize = file.integer(UInt16.self, at: at + 30).map(Int.init),
      let commentSize = file.integer(UInt16.self, at: at + 32).map(Int.init),
      let place = file.integer(UInt32.self, at: at + 42),
      let bytes = file.slice(at + 46, nameSize)
    else { throw damaged() }
    name = String(decoding: bytes, as: UTF8.self)
    end = at + 46 + nameSize + extraSize + commentSize
    guard flags & 1 == 0 else { throw WeightError(file.path, .unsupported("encrypted zip member")) }
    guard method == 0 else {
      throw WeightError(file.path, .unsupported("compressed zip member \(name)"), offset: at)
    }
    var numbers = [UInt64(plain), UInt64(packed), UInt64(place)]
    if plain == .max || packed == .max || place == .max {
      // The extra field 1 holds, in this order, those numbers that did not fit.
      var field = at + 46 + nameSize
      let last = field + extraSize
      var found = false
      while field + 4 <= last, let id = file.integer(UInt16.self, at: field),
        let size = file.integer(UInt16.self, at: field + 2).map(Int.init)
      {
        if id == 1 {
          var value = field + 4
          for (index, small) in [plain, packed, place].enumerated() where small == .max {
            guard value + 8 <= field + 4 + size, let number = file.integer(UInt64.self, at: value)
            else { throw damaged() }
            numbers[index] = number
            value += 8
          }
          found = true
        }
        field += 4 + size
      }
      guard found else { throw damaged() }
    }
    guard numbers[0] == numbers[1], let size = Int(exactly: numbers[0]),
      let local = Int(exactly: numbers[2])
    else {
      throw WeightError(
        file.path, .malformed("zip member \(name) lies about its size"), offset: at)
    }
    self.size = size
    self.local = local
  }
}
