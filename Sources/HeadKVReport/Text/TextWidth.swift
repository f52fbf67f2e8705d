/// How wide a line of sans-serif text gets, about: layout must not depend on installed fonts.
package enum TextWidth {
  /// Width of `text` at `size`, in the unit of `size`; rather too wide than too narrow.
  package static func estimate(_ text: String, size: Double, bold: Bool = false) -> Double {
    var ems = 0.0
    for scalar in text.unicodeScalars {
      switch scalar {
      case "i", "j", "l", "'", "|", ".", ",", ":", ";", "!": ems += 0.29
      case " ", "f", "t", "r", "I", "(", ")", "[", "]", "/", "-": ems += 0.36
      case "m", "w", "M", "W", "%", "@", "—": ems += 0.88
      case "A"..."Z": ems += 0.7
      default: ems += 0.59
      }
    }
    return ems * size * (bold ? 1.07 : 1)
  }
}
