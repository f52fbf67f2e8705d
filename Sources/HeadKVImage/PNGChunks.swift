internal import CZlib

/// The chunk structure of a PNG file, for what libpng's simplified interface leaves out.
package struct PNGChunks {
  package struct Chunk {
    package let type: String
    /// Where its payload lies in the file.
    package let payload: Range<Int>
  }

  package static let signature: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]
  /// Signature and IHDR: where further chunks may start.
  package static let endOfHeader = 8 + 12 + 13

  package let chunks: [Chunk]

  /// Walks the whole file. Throws if it is not PNG, is cut short, or a checksum is wrong; `name`
  /// opens the message.
  package init(_ bytes: [UInt8], name: String) throws(ImageError) {
    guard bytes.starts(with: Self.signature) else {
      throw ImageError("\(name): not a PNG file")
    }
    var chunks: [Chunk] = []
    var at = 8
    while true {
      guard bytes.count - at >= 12 else {
        throw ImageError("\(name): cut short at byte \(bytes.count)")
      }
      let length = Int(Self.word(bytes, at))
      guard length <= bytes.count - at - 12 else {
        throw ImageError("\(name): cut short: a chunk at byte \(at) of \(bytes.count) is incomplete")
      }
      let type = String(decoding: bytes[(at + 4)..<(at + 8)], as: UTF8.self)
      guard Self.word(bytes, at + 8 + length) == Self.checksum(bytes[(at + 4)..<(at + 8 + length)])
      else { throw ImageError("\(name): wrong checksum of the chunk at byte \(at)") }
      chunks.append(Chunk(type: type, payload: (at + 8)..<(at + 8 + length)))
      at += 12 + length
      if type == "IEND" { break }
    }
    guard let first = chunks.first, first.type == "IHDR", first.payload.count == 13 else {
      throw ImageError("\(name): PNG without a header chunk")
    }
    self.chunks = chunks
  }

  /// A whole chunk: length, type, payload, checksum.
  package static func make(_ type: some Sequence<UInt8>, _ payload: [UInt8]) -> [UInt8] {
    let body = Array(type) + payload
    return big(UInt32(payload.count)) + body + big(checksum(body[...]))
  }

  private static func big(_ value: UInt32) -> [UInt8] {
    [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: value >> $0) }
  }

  private static func word(_ bytes: [UInt8], _ at: Int) -> UInt32 {
    bytes[at..<(at + 4)].reduce(0) { $0 << 8 | UInt32($1) }
  }

  private static func checksum(_ bytes: ArraySlice<UInt8>) -> UInt32 {
    unsafe bytes.withUnsafeBufferPointer { buffer in
      UInt32(unsafe crc32_z(0, buffer.baseAddress, buffer.count))
    }
  }
}
