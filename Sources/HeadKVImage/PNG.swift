internal import CLibPNG
internal import CZlib
import Foundation

/// Reads and writes PNG files through libpng's simplified interface, which reports errors instead
/// of jumping over Swift frames.
public enum PNG {
  static let mostPixels = 100_000_000

  /// - Parameter text: keyword and value pairs to store in `tEXt` chunks.
  /// - Throws: ``ImageError`` with libpng's reason.
  public static func encode(
    _ image: RGBImage, text: [(String, String)] = []
  ) throws(ImageError) -> [UInt8] {
    var header = png_image()
    header.version = png_uint_32(PNG_IMAGE_VERSION)
    header.width = png_uint_32(image.width)
    header.height = png_uint_32(image.height)
    header.format = png_uint_32(PNG_FORMAT_FLAG_COLOR)
    var size = 0
    unsafe png_image_write_to_memory(&header, nil, &size, 0, image.pixels, 0, nil)
    var bytes = [UInt8](repeating: 0, count: size)
    let written = unsafe png_image_write_to_memory(&header, &bytes, &size, 0, image.pixels, 0, nil)
    guard size > 0, written != 0 else { throw ImageError("PNG", message(header)) }
    bytes.removeSubrange(size...)
    // The header chunk ends at byte 33; text may follow it.
    let chunks = text.flatMap { chunk("tEXt", Array("\($0)\0\($1)".utf8)) }
    bytes.insert(contentsOf: chunks, at: 33)
    return bytes
  }

  /// Writes a temporary file and renames it: the file is whole or absent.
  ///
  /// - Throws: ``ImageError`` with the path and the cause.
  public static func write(
    _ image: RGBImage, to path: String, text: [(String, String)] = []
  ) throws(ImageError) {
    let bytes = try encode(image, text: text)
    do {
      try Data(bytes).write(to: URL(fileURLWithPath: path), options: .atomic)
    } catch {
      throw ImageError(path, "cannot be written: \((error as NSError).localizedDescription)")
    }
  }

  /// - Throws: ``ImageError`` naming the file.
  public static func read(_ path: String) throws(ImageError) -> RGBImage {
    let data: Data
    do { data = try Data(contentsOf: URL(fileURLWithPath: path)) } catch {
      throw ImageError(path, "cannot be read: \((error as NSError).localizedDescription)")
    }
    return try decode(Array(data), name: path)
  }

  /// - Throws: ``ImageError`` naming the picture.
  public static func decode(_ bytes: [UInt8], name: String) throws(ImageError) -> RGBImage {
    var header = png_image()
    header.version = png_uint_32(PNG_IMAGE_VERSION)
    defer { unsafe png_image_free(&header) }
    guard unsafe png_image_begin_read_from_memory(&header, bytes, bytes.count) != 0 else {
      throw ImageError(name, "not a PNG: \(message(header))")
    }
    let (width, height) = (Int(header.width), Int(header.height))
    guard width <= 1 << 16, height <= 1 << 16, width * height <= mostPixels else {
      throw ImageError(name, "\(width)x\(height) pixels are too many")
    }
    header.format = png_uint_32(PNG_FORMAT_FLAG_COLOR)
    var pixels = [UInt8](repeating: 0, count: width * height * 3)
    guard unsafe png_image_finish_read(&header, nil, &pixels, 0, nil) != 0 else {
      throw ImageError(name, "damaged PNG: \(message(header))")
    }
    return try RGBImage(width: width, height: height, pixels: pixels)
  }

  private static func chunk(_ type: String, _ payload: [UInt8]) -> [UInt8] {
    func word(_ value: UInt32) -> [UInt8] {
      (0..<4).map { UInt8(truncatingIfNeeded: value >> (24 - 8 * UInt32($0))) }
    }
    let body = Array(type.utf8) + payload
    let checksum = unsafe crc32(0, body, uInt(body.count))
    return word(UInt32(payload.count)) + body + word(UInt32(checksum))
  }

  private static func message(_ header: png_image) -> String {
    var text = header.message
    return unsafe withUnsafeBytes(of: &text) {
      unsafe String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
    }
  }
}
