/// Collects marks and how much room they take.
struct Layout {
  private(set) var marks: [Mark] = []
  /// Outer margin of every figure, in pixels.
  static let margin = 16.0
  /// Widest part so far, margin excluded on the right.
  private(set) var right = 0.0

  mutating func add(_ mark: Mark) { marks.append(mark) }

  mutating func text(_ text: String, _ x: Double, _ y: Double, _ style: TextStyle = TextStyle()) {
    guard !text.isEmpty else { return }
    marks.append(.text(text, at: Point(x, y), style))
  }

  /// Title and, smaller below, subtitle. Returns where the content may start.
  mutating func heading(_ title: String, _ subtitle: String) -> Double {
    var y = Self.margin
    if !title.isEmpty {
      text(title, Self.margin, y + 13, TextStyle(size: 15, bold: true))
      widen(Self.margin + TextWidth.estimate(title, size: 15, bold: true))
      y += 20
    }
    if !subtitle.isEmpty {
      text(subtitle, Self.margin, y + 11, TextStyle(size: 11.5, paint: .muted))
      widen(Self.margin + TextWidth.estimate(subtitle, size: 11.5))
      y += 17
    }
    return y == Self.margin ? y : y + 8
  }

  mutating func widen(_ x: Double) { right = max(right, x) }

  /// The figure, `bottom` being the lower end of its content.
  func figure(_ title: String, bottom: Double) -> Figure {
    Figure(
      title: title, width: (right + Self.margin).rounded(.up),
      height: (bottom + Self.margin).rounded(.up), marks: marks)
  }
}
