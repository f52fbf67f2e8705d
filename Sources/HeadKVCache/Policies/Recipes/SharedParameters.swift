/// Parameters that several policies have.
extension PolicyParameter {
  static let period = PolicyParameter(
    "period", "1", "rows of the grid from one update to the next; 0 is every token")
  static let peak = PolicyParameter(
    "peak", "no", "yes: the budget holds before an update, too, not only after it")

  static let observation = PolicyParameter(
    "observation", "1", "rows of the grid whose queries choose, and stay")
  static let kernel = PolicyParameter(
    "kernel", "5", "neighbouring tokens whose scores are averaged, odd")

  static func scope(_ defaultValue: BudgetScope) -> PolicyParameter {
    PolicyParameter(
      "scope", defaultValue.rawValue, "layer or model: between which heads rows are traded")
  }

  /// - Parameter what: what is set once so many rows are drawn.
  static func profile(_ defaultValue: String, before what: String) -> PolicyParameter {
    PolicyParameter(
      "profile", defaultValue, "rows of the grid that are drawn before \(what) are set")
  }
}
