import Foundation

/// What one check of the doctor has found.
struct Finding: Encodable {
  enum Outcome: String, Encodable {
    case ok
    /// Works, but not as well as it might.
    case note
    case failed
  }

  let check: String
  let outcome: Outcome
  let detail: String
  /// What was measured, by name.
  let figures: [String: Double]
  let seconds: Double

  var line: String {
    let name = check.padding(toLength: max(check.count, 20), withPad: " ", startingAt: 0)
    let state = outcome.rawValue.padding(toLength: 6, withPad: " ", startingAt: 0)
    return "\(state)  \(name)  \(detail)"
  }
}
