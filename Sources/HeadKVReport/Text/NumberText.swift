import Foundation

/// Numbers as people read them: short, with a point, the same in every locale.
package enum NumberText {
  /// `value` rounded to `digits` decimals without trailing zeros; a dash for NaN.
  package static func short(_ value: Double, digits: Int = 2) -> String {
    let text = fixed(value, digits: digits)
    guard text.contains(".") else { return text }
    var kept = text[...]
    while kept.last == "0" { kept.removeLast() }
    if kept.last == "." { kept.removeLast() }
    return kept == "-0" ? "0" : String(kept)
  }

  /// `value` with exactly `digits` decimals, 0 to 15; a dash for NaN.
  package static func fixed(_ value: Double, digits: Int) -> String {
    if value.isNaN { return "–" }
    if value.isInfinite { return value < 0 ? "-∞" : "∞" }
    let digits = min(max(digits, 0), 15)
    let scaled = (value.magnitude * pow(10, Double(digits))).rounded()
    guard scaled < 1e18 else { return "\(value)" }
    var text = String(Int(scaled))
    if digits > 0 {
      if text.count <= digits {
        text = String(repeating: "0", count: digits + 1 - text.count) + text
      }
      text.insert(".", at: text.index(text.endIndex, offsetBy: -digits))
    }
    return value < 0 && scaled > 0 ? "-" + text : text
  }

  /// With a sign, as a difference is said: `+0.0130`.
  package static func signed(_ value: Double, digits: Int) -> String {
    let text = fixed(value, digits: digits)
    return value > 0 && !text.hasPrefix("∞") ? "+" + text : text
  }

  /// A count with a thin space between groups of three digits.
  package static func grouped(_ value: Int) -> String {
    var text = ""
    for (index, digit) in String(value.magnitude).reversed().enumerated() {
      if index > 0, index % 3 == 0 { text.append("\u{2009}") }
      text.append(digit)
    }
    return (value < 0 ? "-" : "") + String(text.reversed())
  }

  /// Bytes with a binary unit: `640 B`, `2.39 MiB`.
  package static func bytes(_ value: Int) -> String {
    let units = ["B", "KiB", "MiB", "GiB", "TiB"]
    var size = Double(value)
    var unit = 0
    while size.magnitude >= 1024, unit + 1 < units.count {
      size /= 1024
      unit += 1
    }
    return unit == 0 ? "\(value) B" : fixed(size, digits: 2) + " " + units[unit]
  }

  /// A share in percent: `16.7 %`.
  package static func percent(_ share: Double, digits: Int = 1) -> String {
    short(100 * share, digits: digits) + " %"
  }

  /// A share as a fraction of one where it is one, else in percent: `1/6`, `40 %`, `100 %`.
  package static func fraction(_ share: Double) -> String {
    guard share > 0, share < 1 else { return percent(share) }
    let parts = 1 / share
    let whole = parts.rounded()
    return whole < 1000 && (parts - whole).magnitude < 0.02 * whole && whole >= 2
      ? "1/\(Int(whole))" : percent(share)
  }
}
