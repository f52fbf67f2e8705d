/// Text chunks: tEXt for what Latin-1 can say, iTXt (UTF-8) for the rest.
enum PNGText {
  /// The chunk for one entry. Throws if the key is not 1 to 79 printable Latin-1 characters without
  /// outer spaces, or the value holds a NUL or 2^30 bytes.
  static func chunk(_ key: String, _ value: String) throws(ImageError) -> [UInt8] {
    guard let keyBytes = latin1(key), 1...79 ~= keyBytes.count, keyBytes.first != 32,
      keyBytes.last != 32, keyBytes.allSatisfy({ 32...126 ~= $0 || $0 >= 161 })
    else { throw ImageError("'\(key)' cannot be the key of a PNG text") }
    guard !value.utf8.contains(0), value.utf8.count < 1 << 30 else {
      throw ImageError("the text of '\(key)' cannot be stored in a PNG")
    }
    if let bytes = latin1(value), bytes.allSatisfy({ $0 == 10 || 32...126 ~= $0 || $0 >= 161 }) {
      return PNGChunks.make("tEXt".utf8, keyBytes + [0] + bytes)
    }
    return PNGChunks.make("iTXt".utf8, keyBytes + [0, 0, 0, 0, 0] + Array(value.utf8))
  }

  /// Key and value of a chunk; nil for other chunks, compressed texts and malformed ones.
  static func entry(_ type: String, _ payload: ArraySlice<UInt8>) -> (String, String)? {
    guard type == "tEXt" || type == "iTXt", let keyEnd = payload.firstIndex(of: 0) else {
      return nil
    }
    let key = fromLatin1(payload[..<keyEnd])
    let rest = payload[(keyEnd + 1)...]
    if type == "tEXt" { return (key, fromLatin1(rest)) }
    // Compression flag, method, language tag, 0, translated key, 0, text.
    guard rest.count >= 4, rest[rest.startIndex] == 0,
      let languageEnd = rest.dropFirst(2).firstIndex(of: 0),
      let translatedEnd = rest[(languageEnd + 1)...].firstIndex(of: 0)
    else { return nil }
    return (key, String(decoding: rest[(translatedEnd + 1)...], as: UTF8.self))
  }

  private static func latin1(_ text: String) -> [UInt8]? {
    var bytes: [UInt8] = []
    for scalar in text.unicodeScalars {
      guard let byte = UInt8(exactly: scalar.value) else { return nil }
      bytes.append(byte)
    }
    return bytes
  }

  private static func fromLatin1(_ bytes: ArraySlice<UInt8>) -> String {
    var text = String.UnicodeScalarView()
    text.append(contentsOf: bytes.lazy.map { Unicode.Scalar($0) })
    return String(text)
  }
}
