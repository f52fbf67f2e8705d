internal import HeadKVFiles

/// The digest of a safetensors header inside that header: SHA-256 of its bytes, with zeros for the
/// digits of the digest itself.
///
/// A header that has one is checked whenever the file is opened.
package enum HeaderSeal {
  /// The metadata that holds the digest.
  package static let key = "header_sha256"
  /// What to give as its value when a file is written.
  package static let open = String(repeating: "0", count: 64)

  /// Puts the digest in place, if `metadata` asks for one.
  package static func close(_ header: inout [UInt8], _ metadata: [String: String]) {
    guard metadata[key] == open, let digits = digits(in: header) else { return }
    header.replaceSubrange(digits, with: digest(header, digits).utf8)
  }

  /// Throws if the header is not as it was written.
  static func check(
    _ header: [UInt8], _ metadata: [String: String], path: String
  ) throws(WeightError) {
    guard let expected = metadata[key] else { return }
    guard let digits = digits(in: header) else {
      throw WeightError(
        file: path, problem: .malformed("'\(key)' is not followed by its 64 digits"))
    }
    let found = digest(header, digits)
    guard found == expected else {
      throw WeightError(
        file: path,
        problem: .digestMismatch(of: "header", expected: expected, found: found))
    }
  }

  private static func digest(_ header: [UInt8], _ digits: Range<Int>) -> String {
    var blank = header
    blank.replaceSubrange(digits, with: open.utf8)
    return unsafe blank.withUnsafeBytes { unsafe SHA256.digest($0) }
  }

  /// Where the digits stand.
  private static func digits(in header: [UInt8]) -> Range<Int>? {
    let mark = Array("\"\(key)\":\"".utf8)
    guard header.count > mark.count + 64 else { return nil }
    for start in 0..<header.count - mark.count - 64
    where header[start] == mark[0] && header[start..<start + mark.count].elementsEqual(mark) {
      return start + mark.count..<start + mark.count + 64
    }
    return nil
  }
}
