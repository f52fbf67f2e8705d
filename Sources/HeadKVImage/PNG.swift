internal import CLibPNG

/// PNG files, 8-bit RGB.
public enum PNG {
  /// The bytes of a PNG file with `text` as key-value entries after the header.
  ///
  /// Throws if a key is not 1 to 79 printable Latin-1 characters or a value holds a NUL.
  public static func encode(
    _ image: RGBImage, text: [(String, String)] = []
  ) throws(ImageError) -> [UInt8] {
    var texts: [UInt8] = []
    for (key, value) in text { texts += try PNGText.chunk(key, value) }

    var control = unsafe png_image()
    unsafe control.version = png_uint_32(PNG_IMAGE_VERSION)
    unsafe control.width = png_uint_32(image.width)
    unsafe control.height = png_uint_32(image.height)
    unsafe control.format = png_uint_32(PNG_FORMAT_FLAG_COLOR)
    // Deflate grows incompressible data by a few bytes in 16 KiB, and libpng adds its chunk heads.
    let raw = (3 * image.width + 1) * image.height
    var size = raw + raw / 8 + 4096
    var bytes = [UInt8](repeating: 0, count: size)
    let done = unsafe bytes.withUnsafeMutableBytes { to in
      unsafe image.pixels.withUnsafeBytes { from in
        unsafe png_image_write_to_memory(
          &control, to.baseAddress, &size, 0, from.baseAddress, 0, nil)
      }
    }
    guard done != 0 else { throw ImageError("PNG encoding failed: \(unsafe message(control))") }
    bytes.removeSubrange(size...)
    bytes.insert(contentsOf: texts, at: PNGChunks.endOfHeader)
    return bytes
  }

  /// Decodes a PNG file in memory; transparent parts are laid over white.
  ///
  /// Throws if the file is damaged or cut short, or the picture exceeds the limits of ``RGBImage``.
  /// `name` opens the message.
  public static func decode(
    _ bytes: [UInt8], name: String = "PNG"
  ) throws(ImageError) -> RGBImage {
    _ = try PNGChunks(bytes, name: name)
    var control = unsafe png_image()
    unsafe control.version = png_uint_32(PNG_IMAGE_VERSION)
    defer { unsafe png_image_free(&control) }
    let result: Result<RGBImage, ImageError> = unsafe bytes.withUnsafeBytes { from in
      guard unsafe png_image_begin_read_from_memory(&control, from.baseAddress, from.count) != 0
      else { return .failure(ImageError("\(name): \(unsafe message(control))")) }
      let (width, height) = unsafe (Int(control.width), Int(control.height))
      do throws(ImageError) {
        try RGBImage.checkSize(width, height)
      } catch { return .failure(ImageError("\(name): \(error)")) }
      unsafe control.format = png_uint_32(PNG_FORMAT_FLAG_COLOR)
      var pixels = [UInt8](repeating: 255, count: 3 * width * height)
      let done = unsafe pixels.withUnsafeMutableBytes { to in
        unsafe png_image_finish_read(&control, nil, to.baseAddress, 0, nil)
      }
      guard done != 0 else { return .failure(ImageError("\(name): \(unsafe message(control))")) }
      return .success(RGBImage(trusted: width, height, pixels))
    }
    return try result.get()
  }

  /// The uncompressed text entries of a PNG file in memory, in file order.
  ///
  /// Throws if the file is damaged or cut short.
  public static func text(
    in bytes: [UInt8], name: String = "PNG"
  ) throws(ImageError) -> [(String, String)] {
    try PNGChunks(bytes, name: name).chunks.compactMap {
      PNGText.entry($0.type, bytes[$0.payload])
    }
  }

  /// The text entries of the file at `path`. Throws as ``text(in:name:)``, or naming the system's
  /// reason.
  public static func text(at path: String) throws(ImageError) -> [(String, String)] {
    try text(in: ImageFile.read(path), name: path)
  }

  /// Writes `image` to `path`: the file appears whole or not at all, and replaces an older one.
  ///
  /// Throws naming the path and the system's reason, or as ``encode(_:text:)`` does.
  public static func write(
    _ image: RGBImage, to path: String, text: [(String, String)] = []
  ) throws(ImageError) {
    try ImageFile.write(encode(image, text: text), to: path)
  }

  /// Writes what ``encode(_:text:)`` gave to `path`, whole or not at all.
  public static func write(encoded bytes: [UInt8], to path: String) throws(ImageError) {
    try ImageFile.write(bytes, to: path)
  }

  /// Reads the file at `path`. Throws as ``decode(_:name:)``, or naming the system's reason.
  public static func read(_ path: String) throws(ImageError) -> RGBImage {
    try decode(ImageFile.read(path), name: path)
  }

  @unsafe
  private static func message(_ control: png_image) -> String {
    unsafe withUnsafeBytes(of: control.message) { bytes in
      unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    }
  }
}
