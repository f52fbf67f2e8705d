/// Colours for numbers: 128 steps along a curve, all equally far apart in OKLab.
package struct ColorScale: Sendable {
  package let steps: [Color]
  private static let count = 128

  /// Along `curve`, which gives lightness, chroma and hue in degrees at 0...1.
  init(_ curve: (Double) -> (lightness: Double, chroma: Double, hue: Double)) {
    let samples = 4096
    let points = (0...samples).map { index in
      let point = curve(Double(index) / Double(samples))
      return OKLab(lightness: point.lightness, chroma: point.chroma, hue: point.hue)
    }
    var lengths = [0.0]
    for index in 1...samples {
      lengths.append(lengths[index - 1] + points[index].distance(to: points[index - 1]))
    }
    var at = 0
    steps = (0..<Self.count).map { step in
      let wanted = lengths[samples] * Double(step) / Double(Self.count - 1)
      while at < samples, lengths[at] < wanted { at += 1 }
      return Color(points[at])
    }
  }

  /// The colour at `fraction`; outside 0...1 that of the nearer end. NaN counts as 0.
  package func color(_ fraction: Double) -> Color {
    steps[Int((Double(Self.count - 1) * max(0, min(1, fraction.isNaN ? 0 : fraction))).rounded())]
  }

  /// Dark violet over teal to light yellow.
  package static let sequential = ColorScale { t in
    (0.27 + 0.65 * t, 0.125 - 0.03 * t + 0.07 * t * t, 302 - 200 * t)
  }

  /// Light blue to deep violet: how many tokens a row stands for.
  package static let merged = ColorScale { t in (0.74 - 0.36 * t, 0.10 + 0.12 * t, 232 + 72 * t) }

  /// The same for dark pages: dull blue to bright pink.
  package static let mergedOnDark = ColorScale { t in
    (0.52 + 0.3 * t, 0.10 + 0.06 * t, 240 + 90 * t)
  }
}
