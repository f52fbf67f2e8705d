/// What is made of repeated timings.
package enum Statistics {
  /// The middle of `values`, or the mean of the two in the middle.
  ///
  /// - Precondition: `values` is not empty.
  package static func median(_ values: [Double]) -> Double { quantile(values, 0.5) }

  /// The value below which a share `part` of `values` lies, by linear interpolation.
  ///
  /// - Precondition: `values` is not empty; `part` is in 0...1.
  package static func quantile(_ values: [Double], _ part: Double) -> Double {
    precondition(!values.isEmpty && part >= 0 && part <= 1, "no such quantile")
    let sorted = values.sorted()
    let place = part * Double(sorted.count - 1)
    let below = Int(place)
    let above = min(below + 1, sorted.count - 1)
    return sorted[below] + (place - Double(below)) * (sorted[above] - sorted[below])
  }

  package static func seconds(_ duration: Duration) -> Double { duration / .seconds(1) }

  package static func milliseconds(_ duration: Duration) -> Double {
    duration / .milliseconds(1)
  }
}
