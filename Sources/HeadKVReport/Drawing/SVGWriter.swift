/// Figures as SVG.
enum SVGWriter {
  private static let fonts = "system-ui,-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif"

  /// A file of its own, with fixed colours on paper.
  static func file(_ figure: Figure) -> String {
    var writer = XMLBuilder()
    writer.raw("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n")
    writer.element(
      "svg",
      [
        "xmlns": "http://www.w3.org/2000/svg", "width": number(figure.width),
        "height": number(figure.height),
        "viewBox": "0 0 \(number(figure.width)) \(number(figure.height))",
        "role": "img",
        "aria-label": figure.title, "font-family": fonts,
      ]
    ) {
      $0.element("title", text: figure.title)
      let paper = Box(0, 0, figure.width, figure.height)
      marks([.boxes([paper], .paper, opacity: 1)] + figure.marks, themed: false, into: &$0)
    }
    writer.raw("\n")
    return writer.text
  }

  /// Part of a page, which sets fonts and the theme's colours, without the margins on the left and
  /// at the top. It shrinks with the page down to three quarters of its size.
  static func inline(_ figure: Figure, into writer: inout XMLBuilder) {
    let (width, height) = (figure.width - Layout.margin, figure.height - Layout.margin / 2)
    let most = number(width)
    let view = "\(number(Layout.margin)) \(number(Layout.margin / 2)) \(most) \(number(height))"
    writer.element(
      "svg",
      [
        "viewBox": view, "role": "img", "aria-label": figure.title,
        "style": "width:100%;max-width:\(most)px;min-width:\(number((0.75 * width).rounded()))px",
      ]
    ) { marks(figure.marks, themed: true, into: &$0) }
  }

  private static func number(_ value: Double) -> String { NumberText.short(value, digits: 2) }

  private static func marks(_ marks: [Mark], themed: Bool, into writer: inout XMLBuilder) {
    var at = 0
    while at < marks.count {
      guard case .text(_, _, let style) = marks[at] else {
        mark(marks[at], themed: themed, into: &writer)
        at += 1
        continue
      }
      // Texts of one style share a group.
      var texts: [(String, Point)] = []
      while at < marks.count, case .text(let text, let point, style) = marks[at] {
        texts.append((text, point))
        at += 1
      }
      write(texts, style, themed: themed, into: &writer)
    }
  }

  private static func write(
    _ texts: [(String, Point)], _ style: TextStyle, themed: Bool, into writer: inout XMLBuilder
  ) {
    let anchor =
      switch style.anchor {
      case .start: "start"
      case .middle: "middle"
      case .end: "end"
      }
    writer.element(
      "g",
      [
        "fill": color(style.paint, themed), "font-size": number(style.size),
        "text-anchor": anchor, "font-weight": style.bold ? "600" : "400",
      ]
    ) { writer in
      for (text, point) in texts {
        writer.element("text", ["x": number(point.x), "y": number(point.y)], text: text)
      }
    }
  }

  private static func mark(_ mark: Mark, themed: Bool, into writer: inout XMLBuilder) {
    switch mark {
    case .boxes(let boxes, let paint, let opacity):
      var path = ""
      for box in boxes {
        let (width, height) = (number(box.width), number(box.height))
        path += "M\(number(box.x)) \(number(box.y))h\(width)v\(height)h-\(width)z"
      }
      if opacity < 1 {
        writer.leaf(
          "path", ["d": path, "fill": color(paint, themed), "fill-opacity": number(opacity)])
      } else {
        writer.leaf("path", ["d": path, "fill": color(paint, themed)])
      }
    case .cell(let box, let paint, let note):
      writer.element(
        "rect",
        [
          "x": number(box.x), "y": number(box.y), "width": number(box.width),
          "height": number(box.height), "fill": color(paint, themed),
        ]
      ) { $0.element("title", text: note) }
    case .lines(let lines, let stroke):
      writer.leaf(
        "path",
        [
          "d": lines.map(path).joined(), "fill": "none", "stroke": color(stroke.paint, themed),
          "stroke-width": number(stroke.width), "stroke-dasharray": dashes(stroke),
          "stroke-linejoin": "round",
        ])
    case .polygon(let points, let fill, let stroke, let note):
      writer.element(
        "path",
        [
          "d": path(points) + "z", "fill": color(fill, themed),
          "stroke": stroke.map { color($0.paint, themed) } ?? "none",
          "stroke-width": number(stroke?.width ?? 0), "stroke-linejoin": "round",
        ]
      ) { $0.element("title", text: note) }
    case .disc(let center, let radius, let fill, let stroke, let note):
      writer.element(
        "circle",
        [
          "cx": number(center.x), "cy": number(center.y), "r": number(radius),
          "fill": color(fill, themed), "stroke": stroke.map { color($0.paint, themed) } ?? "none",
          "stroke-width": number(stroke?.width ?? 0),
        ]
      ) { $0.element("title", text: note) }
    case .text(let text, let point, let style):
      write([(text, point)], style, themed: themed, into: &writer)
    }
  }

  private static func path(_ points: [Point]) -> String {
    var path = ""
    for (index, point) in points.enumerated() {
      path += (index == 0 ? "M" : "L") + number(point.x) + " " + number(point.y)
    }
    return path
  }

  private static func dashes(_ stroke: Stroke) -> String {
    stroke.dash > 0 ? number(stroke.dash) : "none"
  }

  private static func color(_ paint: Paint, _ themed: Bool) -> String {
    if themed, let variable = paint.variable { return "var(\(variable))" }
    return paint.light.hex
  }
}
