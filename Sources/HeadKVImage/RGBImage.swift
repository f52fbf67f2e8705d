/// A picture of 8-bit RGB pixels, row-major.
public struct RGBImage: Sendable, Hashable {
  public let width: Int
  public let height: Int
  /// `[height, width, 3]`.
  public private(set) var pixels: [UInt8]

  /// - Throws: ``ImageError`` if the pixels do not fill the picture.
  public init(width: Int, height: Int, pixels: [UInt8]) throws(ImageError) {
    guard width > 0, height > 0, width <= 1 << 16, height <= 1 << 16,
      pixels.count == 3 * width * height
    else {
      throw ImageError("picture", "\(pixels.count) values do not make \(width)x\(height) pixels")
    }
    self.width = width
    self.height = height
    self.pixels = pixels
  }

  /// Pictures side by side in rows of `columns`, `gap` white pixels apart, each pixel `scale`
  /// times enlarged.
  ///
  /// - Precondition: there is a picture; columns and scale are positive.
  public static func sheet(_ images: [RGBImage], columns: Int, gap: Int, scale: Int) -> RGBImage {
    precondition(!images.isEmpty && columns > 0 && scale > 0 && gap >= 0, "nothing to lay out")
    let across = min(columns, images.count)
    let down = (images.count + across - 1) / across
    let cellWidth = images.map(\.width).max()! * scale + gap
    let cellHeight = images.map(\.height).max()! * scale + gap
    let (width, height) = (across * cellWidth - gap, down * cellHeight - gap)
    var pixels = [UInt8](repeating: 255, count: width * height * 3)
    for (index, image) in images.enumerated() {
      let (left, top) = (index % across * cellWidth, index / across * cellHeight)
      for y in 0..<image.height * scale {
        for x in 0..<image.width * scale {
          let source = (y / scale * image.width + x / scale) * 3
          let target = ((top + y) * width + left + x) * 3
          for channel in 0..<3 { pixels[target + channel] = image.pixels[source + channel] }
        }
      }
    }
    return RGBImage(unchecked: width, height, pixels)
  }

  init(unchecked width: Int, _ height: Int, _ pixels: [UInt8]) {
    self.width = width
    self.height = height
    self.pixels = pixels
  }
}

/// What is wrong with a picture or its file.
public struct ImageError: Error, Sendable, Equatable, CustomStringConvertible {
  public let file: String
  public let reason: String

  init(_ file: String, _ reason: String) {
    self.file = file
    self.reason = reason
  }

  public var description: String { "\(file): \(reason)" }
}
