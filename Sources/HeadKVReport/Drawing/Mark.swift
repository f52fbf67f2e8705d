/// A point, in pixels from the top left.
package struct Point: Hashable, Sendable {
  package var x: Double
  package var y: Double

  package init(_ x: Double, _ y: Double) {
    self.x = x
    self.y = y
  }
}

/// An upright rectangle.
package struct Box: Hashable, Sendable {
  package var x: Double
  package var y: Double
  package var width: Double
  package var height: Double

  package init(_ x: Double, _ y: Double, _ width: Double, _ height: Double) {
    self.x = x
    self.y = y
    self.width = width
    self.height = height
  }
}

package struct Stroke: Hashable, Sendable {
  package var paint: Paint
  package var width: Double
  /// Lengths of a dash and of the gap after it; 0 for a whole line.
  package var dash: Double

  package init(_ paint: Paint, width: Double = 1, dash: Double = 0) {
    self.paint = paint
    self.width = width
    self.dash = dash
  }
}

/// How a text is set.
package struct TextStyle: Hashable, Sendable {
  package enum Anchor: Hashable, Sendable { case start, middle, end }

  package var size = 11.0
  package var paint = Paint.ink
  package var anchor = Anchor.start
  package var bold = false

  package init(
    size: Double = 11, paint: Paint = .ink, anchor: Anchor = .start, bold: Bool = false
  ) {
    self.size = size
    self.paint = paint
    self.anchor = anchor
    self.bold = bold
  }
}

/// One thing that is drawn.
package enum Mark: Hashable, Sendable {
  /// Rectangles of one colour.
  case boxes([Box], Paint, opacity: Double)
  /// A rectangle that says `note` when pointed at.
  case cell(Box, Paint, note: String)
  /// Open lines of one stroke.
  case lines([[Point]], Stroke)
  /// A convex polygon.
  case polygon([Point], fill: Paint, stroke: Stroke?, note: String)
  case disc(Point, radius: Double, fill: Paint, stroke: Stroke?, note: String)
  /// A line of text; `at` is the anchor on the baseline.
  case text(String, at: Point, TextStyle)
}
