extension VQTokenizer {
  /// An 8-bit picture, row-major RGB [height, width, 3], from f32 [3, height, width] in -1...1.
  ///
  /// Values are clamped and rounded; NaN counts as -1. Throws if the number of values does not fit
  /// the size or the size is out of range.
  public static func image(
    from values: [Float], width: Int, height: Int
  ) throws(VQError) -> (width: Int, height: Int, pixels: [UInt8]) {
    try checkSize(width, height)
    let plane = width * height
    guard values.count == 3 * plane else {
      throw VQError("a picture of \(width) x \(height) has \(3 * plane) values, not \(values.count)")
    }
    var pixels = [UInt8](repeating: 0, count: 3 * plane)
    for index in 0..<plane {
      for channel in 0..<3 {
        let value = (values[channel * plane + index] + 1) / 2 * 255
        pixels[3 * index + channel] = value > 0 ? UInt8(min(value, 255).rounded()) : 0
      }
    }
    return (width, height, pixels)
  }

  /// The way back: f32 [3, height, width] in -1...1 from row-major RGB bytes.
  ///
  /// Throws if the number of bytes does not fit the size or the size is out of range.
  public static func values(
    from pixels: [UInt8], width: Int, height: Int
  ) throws(VQError) -> [Float] {
    try checkSize(width, height)
    let plane = width * height
    guard pixels.count == 3 * plane else {
      throw VQError("a picture of \(width) x \(height) has \(3 * plane) bytes, not \(pixels.count)")
    }
    return (0..<(3 * plane)).map { index in
      Float(pixels[3 * (index % plane) + index / plane]) / 255 * 2 - 1
    }
  }
}
