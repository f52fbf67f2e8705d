/// What a mark is coloured with: a part it plays, which follows the page's light or dark theme, or a
/// colour of its own.
package enum Paint: Hashable, Sendable {
  case paper, panel, faded, rule, muted, ink
  case color(Color)

  /// Parts in the order of the style sheet: CSS variable, light and dark colour.
  static let parts: [(paint: Paint, variable: String, light: Color, dark: Color)] = [
    (.paper, "--paper", Color(255, 255, 255), Color(20, 22, 28)),
    (.panel, "--panel", Color(241, 243, 247), Color(31, 34, 42)),
    (.faded, "--faded", Color(216, 221, 230), Color(56, 62, 75)),
    (.rule, "--rule", Color(226, 229, 235), Color(50, 55, 66)),
    (.muted, "--muted", Color(92, 99, 112), Color(154, 162, 177)),
    (.ink, "--ink", Color(26, 29, 36), Color(230, 233, 239)),
  ]

  /// The colour on a light background.
  var light: Color {
    if case .color(let color) = self { return color }
    return Self.parts.first { $0.paint == self }?.light ?? Color(0, 0, 0)
  }

  var variable: String? { Self.parts.first { $0.paint == self }?.variable }

  /// Colours for names, told apart also by people who see few hues: neighbours in the list differ
  /// in lightness too. After the last they start again.
  static func category(_ index: Int) -> Paint { .color(categories[index % categories.count]) }

  private static let categories: [Color] = [
    Color(lightness: 0.56, chroma: 0.14, hue: 252),
    Color(lightness: 0.74, chroma: 0.15, hue: 70),
    Color(lightness: 0.58, chroma: 0.12, hue: 165),
    Color(lightness: 0.50, chroma: 0.19, hue: 305),
    Color(lightness: 0.72, chroma: 0.11, hue: 220),
    Color(lightness: 0.50, chroma: 0.09, hue: 95),
    Color(lightness: 0.70, chroma: 0.15, hue: 345),
    Color(lightness: 0.70, chroma: 0.16, hue: 130),
    Color(lightness: 0.48, chroma: 0.08, hue: 45),
    Color(lightness: 0.60, chroma: 0.02, hue: 260),
  ]

  /// What a figure is about, among categories.
  static let accent = Paint.color(Color(lightness: 0.56, chroma: 0.22, hue: 27))

  /// The token that is being drawn.
  static let current = Paint.color(Color(lightness: 0.66, chroma: 0.20, hue: 40))
}
