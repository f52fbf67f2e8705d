import Foundation
import Testing

import HeadKVImage

private func sample(_ width: Int, _ height: Int) throws -> RGBImage {
  var random = SystemRandomNumberGenerator()
  let pixels = (0..<(3 * width * height)).map { _ in UInt8.random(in: 0...255, using: &random) }
  return try RGBImage(width: width, height: height, pixels: pixels)
}

private func withFolder(_ body: (String) throws -> Void) throws {
  let folder = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
  try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  defer { try? FileManager.default.removeItem(at: folder) }
  try body(folder.path)
}

@Suite struct PNGTests {
  @Test(arguments: [(1, 1), (7, 3), (64, 64), (300, 200)])
  func roundTrip(width: Int, height: Int) throws {
    let image = try sample(width, height)
    #expect(try PNG.decode(PNG.encode(image)) == image)
  }

  @Test func textRoundTrip() throws {
    let text = [("Software", "HeadKV"), ("prompt", "zwölf Äpfel\nunten"), ("prompt", "日本 🍎"), ("empty", "")]
    let image = try sample(5, 4)
    let bytes = try PNG.encode(image, text: text)
    #expect(try PNG.decode(bytes) == image)
    let found = try PNG.text(in: bytes)
    #expect(found.map(\.0) == text.map(\.0))
    #expect(found.map(\.1) == text.map(\.1))
  }

  @Test(arguments: ["", " a", "日", "a\nb", String(repeating: "k", count: 80)])
  func badKey(key: String) throws {
    let image = try sample(1, 1)
    #expect(throws: ImageError.self) { try PNG.encode(image, text: [(key, "v")]) }
    #expect(throws: ImageError.self) { try PNG.encode(image, text: [("k", "a\0b")]) }
  }

  @Test func truncatedAtEveryLength() throws {
    let bytes = try PNG.encode(sample(9, 6), text: [("a", "b")])
    for length in 0..<bytes.count {
      #expect(throws: ImageError.self) { try PNG.decode(Array(bytes[..<length])) }
      #expect(throws: ImageError.self) { try PNG.text(in: Array(bytes[..<length])) }
    }
  }

  @Test func everyDamagedByteThrows() throws {
    let bytes = try PNG.encode(sample(4, 4))
    for at in bytes.indices {
      var damaged = bytes
      damaged[at] ^= 0x10
      #expect(throws: ImageError.self) { try PNG.decode(damaged) }
    }
  }

  /// Structure and checksums right, content wrong.
  @Test func tooLargeOrHollow() throws {
    let ihdr = { (w: UInt8, h: UInt8) in
      PNGChunks.make("IHDR".utf8, [0, w, 0, 1, 0, h, 0, 1, 8, 2, 0, 0, 0])
    }
    let end = PNGChunks.make("IEND".utf8, [])
    #expect(throws: ImageError.self) { try PNG.decode(PNGChunks.signature + ihdr(1, 0) + end) }
    #expect(throws: ImageError.self) { try PNG.decode(PNGChunks.signature + ihdr(0, 0) + end) }
    #expect(throws: ImageError.self) { try PNG.decode(PNGChunks.signature + end) }
    let empty = PNGChunks.make("IDAT".utf8, [])
    #expect(throws: ImageError.self) {
      try PNG.decode(PNGChunks.signature + ihdr(0, 0) + empty + end)
    }
    #expect(throws: ImageError.self) {
      try PNG.decode(PNGChunks.signature + ihdr(0xFF, 0xFF) + empty + end)
    }
  }

  @Test func files() throws {
    try withFolder { folder in
      let path = folder + "/a.png"
      let (first, second) = try (sample(3, 2), sample(8, 8))
      try PNG.write(first, to: path)
      #expect(try PNG.read(path) == first)
      try PNG.write(second, to: path, text: [("k", "v")])
      #expect(try PNG.read(path) == second)
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["a.png"])
    }
  }

  @Test func unwritable() throws {
    try withFolder { folder in
      let image = try sample(2, 2)
      let missing = folder + "/none/a.png"
      let error = #expect(throws: ImageError.self) { try PNG.write(image, to: missing) }
      #expect(error?.description == "\(missing): open failed: No such file or directory")
      try FileManager.default.createDirectory(
        atPath: folder + "/d.png/x", withIntermediateDirectories: true)
      #expect(throws: ImageError.self) { try PNG.write(image, to: folder + "/d.png") }
      #expect(throws: ImageError.self) { try PNG.write(image, to: folder + "/") }
      #expect(throws: ImageError.self) { try PNG.write(image, to: "") }
      #expect(throws: ImageError.self) { try PNG.read(missing) }
      #expect(throws: ImageError.self) { try PNG.read(folder) }
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["d.png"])
    }
  }
}

@Suite struct RGBImageTests {
  @Test func badSizes() {
    #expect(throws: ImageError.self) { try RGBImage(width: 2, height: 2, pixels: [1]) }
    #expect(throws: ImageError.self) { try RGBImage(width: 0, height: 2, pixels: []) }
    #expect(throws: ImageError.self) { try RGBImage(width: .max, height: .max, pixels: []) }
    #expect(throws: ImageError.self) {
      try RGBImage(width: -1, height: 1, filledWith: (0, 0, 0))
    }
  }

  @Test func sheet() throws {
    let red = try RGBImage(width: 1, height: 1, filledWith: (255, 0, 0))
    let blue = try RGBImage(width: 1, height: 1, filledWith: (0, 0, 255))
    let sheet = ImageSheet.compose([red, blue, red], columns: 2, gap: 1, scale: 2)
    #expect(sheet.width == 5 && sheet.height == 5)
    let rows = (0..<5).map { y in
      (0..<5).map { x in
        let p = Array(sheet.pixels[(3 * (5 * y + x))..<(3 * (5 * y + x) + 3)])
        return p == [255, 0, 0] ? "r" : p == [0, 0, 255] ? "b" : p == [255, 255, 255] ? "." : "?"
      }.joined()
    }
    #expect(rows == ["rr.bb", "rr.bb", ".....", "rr...", "rr..."])
  }

  @Test func sheetLimits() throws {
    let image = try RGBImage(width: 300, height: 200, filledWith: (1, 2, 3))
    #expect(ImageSheet.compose([], columns: 0).width == 1)
    #expect(ImageSheet.compose([image], columns: -1, gap: -1, scale: -1) == image)
    let large = ImageSheet.compose([image, image], columns: 9, gap: .max, scale: .max)
    #expect(large.width <= RGBImage.maxSide && large.height <= RGBImage.maxSide)
  }
}
