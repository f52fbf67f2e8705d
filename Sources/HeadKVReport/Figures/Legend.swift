/// Keys to the colours of a figure.
enum Legend {
  /// Swatches with names, in lines no wider than `limit`. Returns the lower end.
  static func swatches(
    _ entries: [(paint: Paint, name: String)], x: Double, y: Double, limit: Double,
    in layout: inout Layout
  ) -> Double {
    var (left, top) = (x, y)
    for entry in entries {
      let width = 18 + TextWidth.estimate(entry.name, size: 11)
      if left > x, left + width > limit {
        left = x
        top += 18
      }
      layout.add(.boxes([Box(left, top, 12, 12)], entry.paint, opacity: 1))
      layout.text(entry.name, left + 18, top + 10)
      layout.widen(left + width)
      left += width + 14
    }
    return top + 12
  }

  /// A bar of `scale` with labels at fractions of it. Returns the lower end.
  static func bar(
    _ scale: ColorScale, labels: [(fraction: Double, text: String)], x: Double, y: Double,
    width: Double, in layout: inout Layout
  ) -> Double {
    let steps = 64
    for step in 0..<steps {
      let left = x + width * Double(step) / Double(steps)
      let color = scale.color((Double(step) + 0.5) / Double(steps))
      // Each reaches to the end, under the next ones, so that no seam shows at any zoom.
      layout.add(.boxes([Box(left, y, x + width - left, 8)], .color(color), opacity: 1))
    }
    for label in labels {
      let anchor: TextStyle.Anchor =
        label.fraction <= 0 ? .start : label.fraction >= 1 ? .end : .middle
      layout.text(
        label.text, x + width * label.fraction, y + 20,
        TextStyle(size: 10, paint: .muted, anchor: anchor))
    }
    layout.widen(x + width)
    return y + 22
  }
}
