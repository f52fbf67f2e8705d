import Foundation

/// A check to be made.
struct DoctorCheck {
  /// What a check says; an error that it throws is a failure.
  struct Answer {
    var outcome = Finding.Outcome.ok
    var detail: String
    var figures: [String: Double] = [:]

    init(_ isWell: Bool, _ detail: String, _ figures: [String: Double] = [:]) {
      outcome = isWell ? .ok : .failed
      self.detail = detail
      self.figures = figures
    }
  }

  let name: String
  private let body: () throws -> Answer

  init(_ name: String, _ body: @escaping () throws -> Answer) {
    self.name = name
    self.body = body
  }

  func run() -> Finding {
    let start = ContinuousClock.now
    let answer: Answer
    do { answer = try body() } catch { answer = Answer(false, "\(error)") }
    return Finding(
      check: name, outcome: answer.outcome, detail: answer.detail,
      figures: answer.figures.filter { $0.value.isFinite },
      seconds: (ContinuousClock.now - start) / .seconds(1))
  }
}
