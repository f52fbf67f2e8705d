/// What is wrong with a pickle, while nobody looks at where in the file that is.
struct PickleError: Error {
  let problem: WeightError.Problem

  static func malformed(_ what: String) -> PickleError { PickleError(problem: .pickle(what)) }
}

extension WeightError.Problem {
  static func pickle(_ what: String) -> WeightError.Problem { .malformed("pickle: " + what) }
}
