/// A strict JSON reader for the headers of weight files: it reads what the caller expects next,
/// so that integers stay integers and a name that occurs twice can be seen.
struct JSONReader {
  private let bytes: [UInt8]
  private let path: String
  /// Where `bytes` begins in the file.
  private let start: Int
  private var at = 0

  /// The nesting a value that is skipped may have.
  private static let maximumDepth = 64

  init(_ bytes: [UInt8], path: String, start: Int) {
    self.bytes = bytes
    self.path = path
    self.start = start
  }

  func error(_ what: String) -> WeightError {
    WeightError(file: path, offset: start + at, problem: .malformed("JSON: " + what))
  }

  private mutating func peek() -> UInt8? {
    while at < bytes.count {
      switch bytes[at] {
      case 0x20, 0x09, 0x0a, 0x0d: at += 1
      default: return bytes[at]
      }
    }
    return nil
  }

  private mutating func take(_ byte: UInt8) -> Bool {
    guard peek() == byte else { return false }
    at += 1
    return true
  }

  private mutating func expect(_ byte: UInt8) throws(WeightError) {
    if !take(byte) { throw error("'\(Character(UnicodeScalar(byte)))' expected") }
  }

  /// Throws unless only white space is left.
  mutating func finish() throws(WeightError) {
    if peek() != nil { throw error("end of text expected") }
  }

  /// Reads an object; `member` reads the value of each key it is given. Keys that occur twice are
  /// an error.
  mutating func object(
    _ member: (String, inout JSONReader) throws(WeightError) -> Void
  ) throws(WeightError) {
    try expect(UInt8(ascii: "{"))
    if take(UInt8(ascii: "}")) { return }
    var seen: Set<String> = []
    repeat {
      let key = try string()
      if !seen.insert(key).inserted {
        throw WeightError(file: path, offset: start + at, problem: .duplicate(key))
      }
      try expect(UInt8(ascii: ":"))
      try member(key, &self)
    } while take(UInt8(ascii: ","))
    try expect(UInt8(ascii: "}"))
  }

  /// An array of integers that are not negative; at most `limit` of them.
  mutating func sizes(atMost limit: Int) throws(WeightError) -> [Int] {
    try expect(UInt8(ascii: "["))
    if take(UInt8(ascii: "]")) { return [] }
    var values: [Int] = []
    repeat {
      if values.count == limit { throw error("more than \(limit) numbers") }
      values.append(try size())
    } while take(UInt8(ascii: ","))
    try expect(UInt8(ascii: "]"))
    return values
  }

  /// An integer that is not negative, written without sign, fraction or exponent.
  mutating func size() throws(WeightError) -> Int {
    guard let first = peek(), first >= 0x30, first <= 0x39 else {
      throw error("a non-negative integer expected")
    }
    let begin = at
    var value = 0
    while at < bytes.count, bytes[at] >= 0x30, bytes[at] <= 0x39 {
      let (tens, overflow) = value.multipliedReportingOverflow(by: 10)
      let (sum, overflowed) = tens.addingReportingOverflow(Int(bytes[at]) - 0x30)
      if overflow || overflowed { throw error("number too large") }
      value = sum
      at += 1
    }
    if first == 0x30, at - begin > 1 { throw error("a number with a leading zero") }
    if at < bytes.count, [0x2e, 0x65, 0x45].contains(bytes[at]) { throw error("not an integer") }
    return value
  }

  mutating func string() throws(WeightError) -> String {
    try expect(UInt8(ascii: "\""))
    let begin = at
    while at < bytes.count, bytes[at] != 0x22, bytes[at] != 0x5c, bytes[at] >= 0x20 { at += 1 }
    if at < bytes.count, bytes[at] == 0x22 {
      guard let text = String(validating: bytes[begin..<at], as: UTF8.self) else {
        throw error("text is not valid UTF-8")
      }
      at += 1
      return text
    }
    var text = [UInt8](bytes[begin..<at])
    while at < bytes.count {
      let byte = bytes[at]
      at += 1
      switch byte {
      case 0x22:
        guard let result = String(validating: text, as: UTF8.self) else {
          throw error("text is not valid UTF-8")
        }
        return result
      case 0x5c: text.append(contentsOf: try escape())
      case ..<0x20: throw error("control character in text")
      default: text.append(byte)
      }
    }
    throw error("unterminated text")
  }

  private mutating func escape() throws(WeightError) -> [UInt8] {
    guard at < bytes.count else { throw error("unterminated text") }
    let byte = bytes[at]
    at += 1
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return [byte]
    case UInt8(ascii: "b"): return [8]
    case UInt8(ascii: "f"): return [12]
    case UInt8(ascii: "n"): return [10]
    case UInt8(ascii: "r"): return [13]
    case UInt8(ascii: "t"): return [9]
    case UInt8(ascii: "u"):
      var code = try hex()
      if code >= 0xd800, code < 0xdc00 {
        guard at + 1 < bytes.count, bytes[at] == 0x5c, bytes[at + 1] == UInt8(ascii: "u") else {
          throw error("half of a surrogate pair")
        }
        at += 2
        let low = try hex()
        guard low >= 0xdc00, low < 0xe000 else { throw error("half of a surrogate pair") }
        code = 0x10000 + (code - 0xd800) << 10 + (low - 0xdc00)
      }
      guard let scalar = UnicodeScalar(code) else { throw error("half of a surrogate pair") }
      return [UInt8](String(Character(scalar)).utf8)
    default: throw error("unknown escape")
    }
  }

  private mutating func hex() throws(WeightError) -> UInt32 {
    guard at + 4 <= bytes.count else { throw error("unterminated text") }
    var code: UInt32 = 0
    for _ in 0..<4 {
      guard let digit = Character(UnicodeScalar(bytes[at])).hexDigitValue, bytes[at] < 0x80 else {
        throw error("four hexadecimal digits expected")
      }
      code = code << 4 | UInt32(digit)
      at += 1
    }
    return code
  }

  /// Reads over a value of any kind, nested at most 64 deep.
  mutating func skip(depth: Int = 0) throws(WeightError) {
    guard depth < Self.maximumDepth else { throw error("nested too deeply") }
    switch peek() {
    case UInt8(ascii: "{"):
      try object { (_, reader) throws(WeightError) in try reader.skip(depth: depth + 1) }
    case UInt8(ascii: "["):
      at += 1
      if take(UInt8(ascii: "]")) { return }
      repeat { try skip(depth: depth + 1) } while take(UInt8(ascii: ","))
      try expect(UInt8(ascii: "]"))
    case UInt8(ascii: "\""): _ = try string()
    case UInt8(ascii: "t"): try literal("true")
    case UInt8(ascii: "f"): try literal("false")
    case UInt8(ascii: "n"): try literal("null")
    default: try number()
    }
  }

  private mutating func literal(_ word: StaticString) throws(WeightError) {
    for byte in Array(word.description.utf8) {
      guard at < bytes.count, bytes[at] == byte else { throw error("unknown word") }
      at += 1
    }
  }

  private mutating func number() throws(WeightError) {
    let begin = at
    while at < bytes.count {
      switch bytes[at] {
      case 0x30...0x39, 0x2b, 0x2d, 0x2e, 0x45, 0x65: at += 1
      default:
        if at == begin { throw error("a value expected") }
        return
      }
    }
    if at == begin { throw error("a value expected") }
  }
}
