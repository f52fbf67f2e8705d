import HeadKVImage

/// Pixels that shapes are blended into, anti-aliased by the part of a pixel that they cover.
/// Coordinates are pixels from the top left; parts outside are left out.
struct Canvas {
  let width: Int
  let height: Int
  private var pixels: [UInt8]

  /// All of one colour. Sides are at least 1.
  init(width: Int, height: Int, color: Color) {
    self.width = width
    self.height = height
    pixels = [UInt8](repeating: 255, count: 3 * width * height)
    for pixel in 0..<(width * height) { set(pixel, color) }
  }

  func image() throws(ImageError) -> RGBImage {
    try RGBImage(width: width, height: height, pixels: pixels)
  }

  mutating func fill(_ box: Box, _ color: Color, opacity: Double = 1) {
    shade(box, color) { x, y in
      let across = min(x + 1, box.x + box.width) - max(x, box.x)
      let down = min(y + 1, box.y + box.height) - max(y, box.y)
      return opacity * across * down
    }
  }

  mutating func disc(_ center: Point, radius: Double, _ color: Color) {
    let reach = radius + 1
    shade(Box(center.x - reach, center.y - reach, 2 * reach, 2 * reach), color) { x, y in
      let (dx, dy) = (x + 0.5 - center.x, y + 0.5 - center.y)
      return radius + 0.5 - (dx * dx + dy * dy).squareRoot()
    }
  }

  /// A convex polygon, its corners in either order.
  mutating func polygon(_ points: [Point], _ color: Color) {
    guard points.count >= 3 else { return }
    var turn = 0.0
    for (a, b) in Self.edges(points) { turn += a.x * b.y - b.x * a.y }
    let side = turn < 0 ? -1.0 : 1.0
    shade(Self.bounds(points, reach: 1), color) { x, y in
      var inside = Double.infinity
      for (a, b) in Self.edges(points) {
        let (dx, dy) = (b.x - a.x, b.y - a.y)
        let length = (dx * dx + dy * dy).squareRoot()
        guard length > 0 else { continue }
        let distance = (dx * (y + 0.5 - a.y) - dy * (x + 0.5 - a.x)) / length
        inside = min(inside, side * distance)
      }
      return inside + 0.5
    }
  }

  mutating func line(_ a: Point, _ b: Point, width: Double, _ color: Color) {
    let (dx, dy) = (b.x - a.x, b.y - a.y)
    let square = dx * dx + dy * dy
    guard dx != 0, dy != 0 else {
      // Upright lines are boxes: sharp where they meet whole pixels.
      let half = width / 2
      return fill(
        dx == 0
          ? Box(a.x - half, min(a.y, b.y), width, dy.magnitude)
          : Box(min(a.x, b.x), a.y - half, dx.magnitude, width), color)
    }
    shade(Self.bounds([a, b], reach: width / 2 + 1), color) { x, y in
      let (px, py) = (x + 0.5 - a.x, y + 0.5 - a.y)
      let along = min(max((px * dx + py * dy) / square, 0), 1)
      let (ox, oy) = (px - along * dx, py - along * dy)
      return width / 2 + 0.5 - (ox * ox + oy * oy).squareRoot()
    }
  }

  /// Blends `color` in by `coverage` of each pixel of `area`, which is given by its corner.
  private mutating func shade(
    _ area: Box, _ color: Color, _ coverage: (Double, Double) -> Double
  ) {
    let limits = (Double(width), Double(height))
    func clamp(_ value: Double, _ limit: Double) -> Int { Int(min(max(value, 0), limit)) }
    let left = clamp(area.x.rounded(.down), limits.0)
    let right = clamp((area.x + area.width).rounded(.up), limits.0)
    let top = clamp(area.y.rounded(.down), limits.1)
    let bottom = clamp((area.y + area.height).rounded(.up), limits.1)
    guard left < right, top < bottom else { return }
    for y in top..<bottom {
      for x in left..<right {
        let part = min(coverage(Double(x), Double(y)), 1)
        guard part > 0 else { continue }
        let pixel = y * width + x
        if part == 1 { set(pixel, color) } else { blend(pixel, color, part) }
      }
    }
  }

  private mutating func set(_ pixel: Int, _ color: Color) {
    pixels[3 * pixel] = color.red
    pixels[3 * pixel + 1] = color.green
    pixels[3 * pixel + 2] = color.blue
  }

  private mutating func blend(_ pixel: Int, _ color: Color, _ part: Double) {
    for (channel, value) in [color.red, color.green, color.blue].enumerated() {
      let old = Double(pixels[3 * pixel + channel])
      pixels[3 * pixel + channel] = UInt8((old + part * (Double(value) - old)).rounded())
    }
  }

  private static func edges(_ points: [Point]) -> some Sequence<(Point, Point)> {
    zip(points, points.dropFirst() + points.prefix(1))
  }

  private static func bounds(_ points: [Point], reach: Double) -> Box {
    let (xs, ys) = (points.map(\.x), points.map(\.y))
    let (left, top) = ((xs.min() ?? 0) - reach, (ys.min() ?? 0) - reach)
    return Box(
      left, top, (xs.max() ?? 0) + reach - left, (ys.max() ?? 0) + reach - top)
  }
}
