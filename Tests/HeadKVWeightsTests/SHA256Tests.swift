import HeadKVFiles
import Testing

@Suite struct SHA256Tests {
  private func digest(_ bytes: [UInt8]) -> String {
    bytes.withUnsafeBytes { SHA256.digest($0) }
  }

  /// The examples of FIPS 180-4.
  @Test(arguments: [
    ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
    ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
    (
      "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
      "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
    ),
  ]) func known(text: String, expected: String) { #expect(digest(Array(text.utf8)) == expected) }

  @Test func millionLetters() {
    #expect(
      digest([UInt8](repeating: 0x61, count: 1_000_000))
        == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0")
  }

  /// Pieces of any size give what the whole gives.
  @Test func pieces() {
    let bytes = (0..<300).map { UInt8(truncatingIfNeeded: $0 &* 37) }
    for count in 0...300 {
      var hash = SHA256()
      for start in stride(from: 0, to: count, by: 1 + count % 67) {
        bytes[start..<min(start + 1 + count % 67, count)].withUnsafeBytes { hash.update($0) }
      }
      #expect(hash.finished() == digest(Array(bytes[..<count])))
    }
  }

  /// The processor's instructions, where it has some, against the definition.
  @Test func instructionsAndDefinitionAgree() {
    var bytes: [UInt8] = []
    for count in 0...1000 {
      var definition = SHA256(usesInstructions: false)
      bytes.withUnsafeBytes { definition.update($0) }
      #expect(definition.finished() == digest(bytes))
      bytes.append(UInt8(truncatingIfNeeded: count &* count &* 31))
    }
  }
}
