/// An 8-bit RGB picture, row-major from the top left.
public struct RGBImage: Sendable, Equatable {
  /// Pixels per row, 1 or more.
  public let width: Int
  /// Rows, 1 or more.
  public let height: Int
  /// Three bytes per pixel: [height, width, 3].
  public private(set) var pixels: [UInt8]

  /// Largest width and height, in pixels.
  public static let maxSide = 16_384
  /// Largest `width * height`.
  public static let maxPixels = 100_000_000

  /// Wraps `pixels`, which holds `3 * width * height` bytes.
  ///
  /// Throws if a side is outside 1...``maxSide``, the picture has more than ``maxPixels`` pixels, or
  /// the number of bytes does not fit.
  public init(width: Int, height: Int, pixels: [UInt8]) throws(ImageError) {
    try Self.checkSize(width, height)
    guard pixels.count == 3 * width * height else {
      throw ImageError(
        "an RGB image of \(width) x \(height) takes \(3 * width * height) bytes, not \(pixels.count)")
    }
    self.init(trusted: width, height, pixels)
  }

  /// A picture of one colour. Throws if the size is out of range, as above.
  public init(
    width: Int, height: Int, filledWith color: (red: UInt8, green: UInt8, blue: UInt8)
  ) throws(ImageError) {
    try Self.checkSize(width, height)
    self.init(filled: width, height, color)
  }

  init(trusted width: Int, _ height: Int, _ pixels: [UInt8]) {
    self.width = width
    self.height = height
    self.pixels = pixels
  }

  init(filled width: Int, _ height: Int, _ color: (red: UInt8, green: UInt8, blue: UInt8)) {
    var pixels = [UInt8](repeating: color.red, count: 3 * width * height)
    if color.green != color.red || color.blue != color.red {
      for pixel in 0..<(width * height) {
        pixels[3 * pixel + 1] = color.green
        pixels[3 * pixel + 2] = color.blue
      }
    }
    self.init(trusted: width, height, pixels)
  }

  static func checkSize(_ width: Int, _ height: Int) throws(ImageError) {
    guard 1...maxSide ~= width, 1...maxSide ~= height, width * height <= maxPixels else {
      throw ImageError(
        "image size \(width) x \(height) is outside 1...\(maxSide) a side and \(maxPixels) pixels")
    }
  }

  /// Copies `image` in with its corner at (`x`, `y`), each pixel `scale` wide and high.
  ///
  /// The enlarged image has to lie inside this one.
  mutating func paste(_ image: RGBImage, x: Int, y: Int, scale: Int) {
    for row in 0..<(image.height * scale) {
      var to = 3 * ((y + row) * width + x)
      var from = 3 * (row / scale) * image.width
      for _ in 0..<image.width {
        for _ in 0..<scale {
          pixels[to] = image.pixels[from]
          pixels[to + 1] = image.pixels[from + 1]
          pixels[to + 2] = image.pixels[from + 2]
          to += 3
        }
        from += 3
      }
    }
  }
}
