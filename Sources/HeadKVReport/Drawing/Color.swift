import Foundation

/// An opaque sRGB colour.
package struct Color: Hashable, Sendable {
  package let red: UInt8
  package let green: UInt8
  package let blue: UInt8

  package init(_ red: UInt8, _ green: UInt8, _ blue: UInt8) {
    self.red = red
    self.green = green
    self.blue = blue
  }

  /// The nearest 8-bit colour to `point`, channels outside sRGB cut off.
  package init(_ point: OKLab) {
    let bytes = point.linearRGB.map(Self.encoded)
    self.init(bytes[0], bytes[1], bytes[2])
  }

  package init(lightness: Double, chroma: Double, hue: Double) {
    self.init(OKLab(lightness: lightness, chroma: chroma, hue: hue))
  }

  /// `#rrggbb`.
  package var hex: String {
    let digits = Array("0123456789abcdef")
    return [red, green, blue].reduce(into: "#") {
      $0.append(digits[Int($1 >> 4)])
      $0.append(digits[Int($1 & 15)])
    }
  }

  /// Relative luminance, 0 (black) to 1 (white).
  package var luminance: Double {
    0.2126 * Self.decoded(red) + 0.7152 * Self.decoded(green) + 0.0722 * Self.decoded(blue)
  }

  /// Near-black or white, for text on this colour. Small white letters read better than dark ones
  /// on middling colours, though their contrast ratio is lower.
  var readableInk: Color { luminance > 0.27 ? Color(20, 22, 28) : Color(255, 255, 255) }

  /// sRGB's transfer functions.
  private static func encoded(_ linear: Double) -> UInt8 {
    let value = min(max(linear, 0), 1)
    let curved = value <= 0.0031308 ? 12.92 * value : 1.055 * pow(value, 1 / 2.4) - 0.055
    return UInt8((255 * curved).rounded())
  }

  static func decoded(_ byte: UInt8) -> Double {
    let value = Double(byte) / 255
    return value <= 0.04045 ? value / 12.92 : pow((value + 0.055) / 1.055, 2.4)
  }
}

/// A point of OKLab (Ottosson 2020), where equal distances look about equally far apart.
package struct OKLab: Sendable {
  package var lightness: Double
  package var a: Double
  package var b: Double

  package init(lightness: Double, a: Double, b: Double) {
    self.lightness = lightness
    self.a = a
    self.b = b
  }

  /// From polar form, `hue` in degrees. Chroma gives way until the colour fits into sRGB.
  package init(lightness: Double, chroma: Double, hue: Double) {
    let angle = hue * .pi / 180
    func point(_ chroma: Double) -> OKLab {
      OKLab(lightness: lightness, a: chroma * cos(angle), b: chroma * sin(angle))
    }
    func fits(_ chroma: Double) -> Bool {
      point(chroma).linearRGB.allSatisfy { -1e-4...1.0001 ~= $0 }
    }
    var (low, high) = (0.0, chroma)
    if fits(chroma) { low = chroma }
    while high - low > 1e-6 {
      let middle = (low + high) / 2
      if fits(middle) { low = middle } else { high = middle }
    }
    self = point(low)
  }

  package init(_ color: Color) {
    let (red, green, blue) = (
      Color.decoded(color.red), Color.decoded(color.green), Color.decoded(color.blue)
    )
    let long = cbrt(0.4122214708 * red + 0.5363325363 * green + 0.0514459929 * blue)
    let medium = cbrt(0.2119034982 * red + 0.6806995451 * green + 0.1073969566 * blue)
    let short = cbrt(0.0883024619 * red + 0.2817188376 * green + 0.6299787005 * blue)
    lightness = 0.2104542553 * long + 0.7936177850 * medium - 0.0040720468 * short
    a = 1.9779984951 * long - 2.4285922050 * medium + 0.4505937099 * short
    b = 0.0259040371 * long + 0.7827717662 * medium - 0.8086757660 * short
  }

  package func distance(to other: OKLab) -> Double {
    let (dl, da, db) = (lightness - other.lightness, a - other.a, b - other.b)
    return (dl * dl + da * da + db * db).squareRoot()
  }

  var linearRGB: [Double] {
    func cube(_ value: Double) -> Double { value * value * value }
    let long = cube(lightness + 0.3963377774 * a + 0.2158037573 * b)
    let medium = cube(lightness - 0.1055613458 * a - 0.0638541728 * b)
    let short = cube(lightness - 0.0894841775 * a - 1.2914855480 * b)
    return [
      4.0767416621 * long - 3.3077115913 * medium + 0.2309699292 * short,
      -1.2684380046 * long + 2.6097574011 * medium - 0.3413193965 * short,
      -0.0041960863 * long - 0.7034186147 * medium + 1.7076147010 * short,
    ]
  }
}
