import Foundation
import HeadKVReport
import Testing

@Suite struct ColorTests {
  @Test func sequentialScaleBrightensEvenly() {
    let steps = ColorScale.sequential.steps
    #expect(steps.count == 128)
    for (a, b) in zip(steps, steps.dropFirst()) { #expect(a.luminance < b.luminance) }
    #expect(steps[0].luminance < 0.05)
    #expect(steps[127].luminance > 0.7)
    // Pieces of the scale are equally far apart, to a few percent of rounding.
    let lengths = (0..<7).map {
      OKLab(steps[$0 * 18]).distance(to: OKLab(steps[$0 * 18 + 18]))
    }
    let mean = lengths.reduce(0, +) / Double(lengths.count)
    for length in lengths { #expect(abs(length / mean - 1) < 0.05) }
  }

  @Test func mergedScaleDarkens() {
    let steps = ColorScale.merged.steps
    for (a, b) in zip(steps, steps.dropFirst(3)) { #expect(a.luminance > b.luminance) }
  }

  @Test func scaleTakesAnyNumber() {
    let scale = ColorScale.sequential
    #expect(scale.color(-.infinity) == scale.steps[0])
    #expect(scale.color(.nan) == scale.steps[0])
    #expect(scale.color(.infinity) == scale.steps[127])
    #expect(scale.color(0.5) == scale.steps[64])
  }

  @Test func oklabRoundTrip() {
    for color in [Color(0, 0, 0), Color(255, 255, 255), Color(200, 30, 90), Color(12, 200, 77)] {
      let lab = OKLab(color)
      let chroma = hypot(lab.a, lab.b)
      let hue = atan2(lab.b, lab.a) * 180 / .pi
      #expect(Color(lightness: lab.lightness, chroma: chroma, hue: hue) == color)
    }
  }

  @Test func hex() { #expect(Color(1, 171, 255).hex == "#01abff") }
}
