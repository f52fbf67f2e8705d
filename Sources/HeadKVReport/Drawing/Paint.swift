/// What a mark is coloured with: a part it plays, which follows the page's light or dark theme, or a
/// colour of its own.
package enum Paint: Hashable, Sendable {
  case paper, panel, faded, rule, muted, ink
  /// What a figure is about, among names.
  case accent
  /// One of ``hues``, by index.
  case hue(Int)
  /// One of ``shades``, by index: how many tokens a row stands for.
  case shade(Int)
  case color(Color)

  /// Colours for names. After the last they start again.
  static func category(_ index: Int) -> Paint { .hue(index % hues.count) }

  /// The token that is being drawn.
  static let current = Paint.color(Color(lightness: 0.66, chroma: 0.20, hue: 40))

  /// Lightness, chroma and hue for names, told apart also by people who see few hues: neighbours in
  /// the list differ in lightness too.
  private static let hues: [(lightness: Double, chroma: Double, hue: Double)] = [
    (0.56, 0.14, 252), (0.74, 0.15, 70), (0.58, 0.12, 165), (0.50, 0.19, 305), (0.72, 0.11, 220),
    (0.50, 0.09, 95), (0.70, 0.15, 345), (0.70, 0.16, 130), (0.48, 0.08, 45), (0.60, 0.02, 260),
  ]

  static let shades = 17

  typealias Part = (paint: Paint, variable: String, light: Color, dark: Color)

  /// Everything that follows the theme: CSS variable, light and dark colour.
  static let parts: [Part] = {
    var parts: [Part] = [
      (.paper, "--paper", Color(255, 255, 255), Color(20, 22, 28)),
      (.panel, "--panel", Color(241, 243, 247), Color(31, 34, 42)),
      (.faded, "--faded", Color(216, 221, 230), Color(58, 64, 77)),
      (.rule, "--rule", Color(226, 229, 235), Color(50, 55, 66)),
      (.muted, "--muted", Color(92, 99, 112), Color(154, 162, 177)),
      (.ink, "--ink", Color(26, 29, 36), Color(230, 233, 239)),
      (
        .accent, "--accent", Color(lightness: 0.56, chroma: 0.22, hue: 27),
        Color(lightness: 0.66, chroma: 0.21, hue: 27)
      ),
    ]
    for (index, color) in hues.enumerated() {
      let (lightness, chroma, hue) = color
      let dark = Color(lightness: 0.3 + 0.63 * lightness, chroma: chroma, hue: hue)
      parts.append(
        (
          .hue(index), "--hue\(index)", Color(lightness: lightness, chroma: chroma, hue: hue), dark
        ))
    }
    for index in 0..<shades {
      let fraction = Double(index) / Double(shades - 1)
      parts.append(
        (
          .shade(index), "--shade\(index)", ColorScale.merged.color(fraction),
          ColorScale.mergedOnDark.color(fraction)
        ))
    }
    return parts
  }()

  private var part: Part? { Self.parts.first { $0.paint == self } }

  /// The colour on a light background.
  var light: Color {
    if case .color(let color) = self { return color }
    return part?.light ?? Color(0, 0, 0)
  }

  var variable: String? {
    if case .color = self { return nil }
    return part?.variable
  }
}
