/// Milliseconds of every step of some rounds that draw the same picture.
package struct StepTimes: Sendable, Equatable {
  /// By round, then by step; all rounds have the same number of steps.
  package let rounds: [[Double]]
  /// Steps between which the cost is taken to be the same: a line of the picture.
  package let line: Int

  /// - Precondition: there is a step; rounds are equally long; `line` is positive.
  package init(rounds: [[Double]], line: Int) {
    precondition(
      line > 0 && rounds.contains { !$0.isEmpty } && rounds.allSatisfy { $0.count == rounds[0].count },
      "rounds have the same steps, and some")
    self.rounds = rounds
    self.line = line
  }

  package var steps: Int { rounds[0].count }

  /// The mean over the steps of each step's median over the rounds.
  ///
  /// What some other process did to a step in one of several rounds does not count; what the step
  /// does in every round does, such as revising budgets.
  package var milliseconds: Double {
    mean(of: 0..<steps)
  }

  /// The same for each quarter of the steps; a quarter has at least one.
  package var quarters: [Double] {
    (0..<4).map { quarter in
      let first = quarter * steps / 4
      return mean(of: first..<max((quarter + 1) * steps / 4, first + 1))
    }
  }

  /// The first, second or third quartile of the steps of a line in all rounds, for `part` 0.25, 0.5
  /// or 0.75, in the mean over the lines: how much steps differ that should not.
  package func quantile(_ part: Double) -> Double {
    var sum = 0.0
    for start in stride(from: 0, to: steps, by: line) {
      let range = start..<min(start + line, steps)
      sum += Statistics.quantile(rounds.flatMap { $0[range] }, part) * Double(range.count)
    }
    return sum / Double(steps)
  }

  private func mean(of range: Range<Int>) -> Double {
    range.reduce(0) { sum, step in
      sum + Statistics.median(rounds.map { $0[step] })
    } / Double(range.count)
  }
}
