/// Pixels of a map, or of the zeros around it, that a block of a convolution's outputs sees.
struct ConvolutionWindow {
  /// In pixels of the map, or of the map enlarged twice by repeating pixels.
  let rows: Range<Int>
  let columns: Range<Int>
  let enlarged: Bool

  /// Floats from one row to the next.
  func stride(channels: Int) -> Int { columns.count * channels }

  /// Copies the pixels of `map` to `window` [rows, columns, channels], through `norm` if given.
  func fill(
    _ window: UnsafeMutablePointer<Float>, from map: FeatureMap, through norm: FittedNorm?
  ) {
    let channels = map.channels
    let factor = enlarged ? 2 : 1
    let inside = columns.clamped(to: 0..<(factor * map.width))
    let left = (inside.isEmpty ? columns.count : inside.lowerBound - columns.lowerBound) * channels
    let right = (columns.upperBound - inside.upperBound) * channels
    var to = unsafe window
    for row in rows {
      if 0..<(factor * map.height) ~= row && !inside.isEmpty {
        let from = unsafe map.pixel(row / factor * map.width)
        unsafe to.update(repeating: 0, count: left)
        if enlarged {
          for column in inside {
            let pixel = unsafe to + (column - columns.lowerBound) * channels
            unsafe Self.copy(from + column / 2 * channels, 1, channels, norm, pixel)
          }
        } else {
          unsafe Self.copy(
            from + inside.lowerBound * channels, inside.count, channels, norm, to + left)
        }
        unsafe (to + left + inside.count * channels).update(repeating: 0, count: right)
      } else {
        unsafe to.update(repeating: 0, count: stride(channels: channels))
      }
      unsafe to += stride(channels: channels)
    }
  }

  private static func copy(
    _ from: UnsafePointer<Float>, _ pixels: Int, _ channels: Int, _ norm: FittedNorm?,
    _ to: UnsafeMutablePointer<Float>
  ) {
    if let norm {
      unsafe norm.apply(from, count: pixels, into: to)
    } else {
      unsafe to.update(from: from, count: pixels * channels)
    }
  }
}
