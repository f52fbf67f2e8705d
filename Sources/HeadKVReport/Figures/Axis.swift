import Foundation

/// Round numbers for axes.
enum Axis {
  /// The smallest of 1, 2, 5 times a power of ten that is at least `value`; `value` is positive and
  /// finite.
  static func roundUp(_ value: Double) -> Double {
    let power = pow(10, log10(value).rounded(.down))
    return [1, 2, 5, 10].map { $0 * power }.first { $0 >= value * (1 - 1e-9) } ?? 10 * power
  }

  /// The largest of them that is at most `value`.
  static func roundDown(_ value: Double) -> Double {
    let power = pow(10, log10(value).rounded(.down))
    return [5, 2, 1].map { $0 * power }.first { $0 <= value * (1 + 1e-9) } ?? power
  }

  /// Evenly spaced round numbers that cover `low...high`, about `count` of them.
  static func linear(_ low: Double, _ high: Double, count: Int) -> [Double] {
    let step = roundUp(max((high - low) / Double(count), .leastNormalMagnitude * 1e10))
    let (first, last) = ((low / step + 1e-9).rounded(.down), (high / step - 1e-9).rounded(.up))
    guard last - first < 100 else { return [low, high] }
    return Array(stride(from: first, through: max(last, first + 1), by: 1)).map { $0 * step }
  }

  /// 1, 2, 5 of each power of ten within `low...high`, or powers alone if these are many.
  static func logarithmic(_ low: Double, _ high: Double) -> [Double] {
    let powers = Int(log10(low).rounded(.down))...Int(log10(high).rounded(.up))
    let factors = powers.count > 4 ? [1.0] : powers.count > 3 ? [1.0, 3] : [1.0, 2, 5]
    var ticks: [Double] = []
    for power in powers {
      for factor in factors {
        let tick = factor * pow(10, Double(power))
        if tick >= low * (1 - 1e-9), tick <= high * (1 + 1e-9) { ticks.append(tick) }
      }
    }
    return ticks
  }

  /// A tick's label, with as many decimals as it needs.
  static func label(_ value: Double) -> String {
    let size = value.magnitude
    if size >= 1e15 || (size > 0 && size < 1e-7) { return "\(value)" }
    if size >= 1000, value == value.rounded() { return NumberText.grouped(Int(value)) }
    let digits = size > 0 ? max(0, 2 - Int(log10(size).rounded(.down))) : 0
    return NumberText.short(value, digits: digits)
  }
}
