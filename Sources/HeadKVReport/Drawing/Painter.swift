import HeadKVImage

/// Figures as pixels, in the colours of the light theme.
struct Painter {
  private var canvas: Canvas
  private let scale: Double

  static func image(_ figure: Figure, scale: Int) throws(ImageError) -> RGBImage {
    let scale = Double(max(scale, 1))
    let (width, height) = (
      (scale * figure.width).rounded(.up), (scale * figure.height).rounded(.up)
    )
    let limit = Double(RGBImage.maxSide)
    guard 1...limit ~= width, 1...limit ~= height,
      width * height <= Double(RGBImage.maxPixels)
    else {
      throw ImageError(
        "'\(figure.title)' takes \(NumberText.short(width)) x \(NumberText.short(height)) pixels, more than \(RGBImage.maxSide) a side or \(RGBImage.maxPixels)"
      )
    }
    var painter = Painter(
      canvas: Canvas(width: Int(width), height: Int(height), color: Paint.paper.light),
      scale: scale)
    for mark in figure.marks { painter.draw(mark) }
    return try painter.canvas.image()
  }

  private mutating func draw(_ mark: Mark) {
    switch mark {
    case .boxes(let boxes, let paint, let opacity):
      for box in boxes { canvas.fill(scaled(box), paint.light, opacity: opacity) }
    case .cell(let box, let paint, _):
      canvas.fill(scaled(box), paint.light)
    case .lines(let lines, let stroke):
      for line in lines { draw(line, stroke) }
    case .polygon(let points, let fill, let stroke, _):
      canvas.polygon(points.map(scaled), fill.light)
      if let stroke, let first = points.first { draw(points + [first], stroke) }
    case .disc(let center, let radius, let fill, let stroke, _):
      if let stroke {
        canvas.disc(
          scaled(center), radius: scale * (radius + stroke.width / 2), stroke.paint.light)
      }
      let inner = radius - (stroke?.width ?? 0) / 2
      canvas.disc(scaled(center), radius: scale * inner, fill.light)
    case .text(let text, let point, let style):
      draw(text, scaled(point), style)
    }
  }

  private mutating func draw(_ line: [Point], _ stroke: Stroke) {
    // Dashes go on from one piece of the line to the next.
    var walked = 0.0
    for (a, b) in zip(line, line.dropFirst()) {
      let (dx, dy) = (b.x - a.x, b.y - a.y)
      let length = (dx * dx + dy * dy).squareRoot()
      var at = 0.0
      while at < length {
        var end = length
        var visible = true
        if stroke.dash > 0 {
          let period = ((walked + at) / stroke.dash).rounded(.down)
          end = min(length, max((period + 1) * stroke.dash - walked, at + 0.01))
          visible = period.truncatingRemainder(dividingBy: 2) == 0
        }
        if visible {
          let from = Point(a.x + dx * at / length, a.y + dy * at / length)
          let to = Point(a.x + dx * end / length, a.y + dy * end / length)
          canvas.line(scaled(from), scaled(to), width: scale * stroke.width, stroke.paint.light)
        }
        at = end
      }
      walked += length
    }
  }

  /// One font pixel is a whole number of pixels, so that letters are sharp.
  private mutating func draw(_ text: String, _ point: Point, _ style: TextStyle) {
    let font = BitmapFont.standard
    let dot = max(1, (scale * style.size / 10.5).rounded())
    let total = dot * Double(font.width(text))
    var along =
      switch style.anchor {
      case .start: 0.0
      case .middle: -(total / 2).rounded()
      case .end: -total
      }
    let (left, baseline) = (point.x.rounded(), point.y.rounded())
    for letter in text {
      let glyph = font.glyph(letter)
      for (row, bits) in glyph.rows.enumerated() {
        for column in 0..<glyph.width where bits >> UInt8(glyph.width - 1 - column) & 1 == 1 {
          let x = along + dot * Double(column)
          let y = dot * Double(row - BitmapFont.ascent)
          let wide = style.bold ? dot + (dot / 2).rounded(.down) : dot
          canvas.fill(Box(left + x, baseline + y, wide, dot), style.paint.light)
        }
      }
      along += dot * Double(glyph.width + 1)
    }
  }

  private func scaled(_ point: Point) -> Point { Point(scale * point.x, scale * point.y) }

  private func scaled(_ box: Box) -> Box {
    Box(scale * box.x, scale * box.y, scale * box.width, scale * box.height)
  }
}
