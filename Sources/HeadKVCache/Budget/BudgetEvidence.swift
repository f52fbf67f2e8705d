/// What a sequence has shown of its heads when budgets are revised.
public final class BudgetEvidence {
  /// Tokens drawn so far.
  public let tokens: Int
  private let makeProfile: () -> HeadProfile?
  private let measure: (Int, Int) -> DistortionCurve
  /// Curves measured earlier and now.
  private(set) var curves: HeadMap<DistortionCurve?>

  init(
    tokens: Int, curves: HeadMap<DistortionCurve?>, profile: @escaping () -> HeadProfile?,
    measure: @escaping (Int, Int) -> DistortionCurve
  ) {
    self.tokens = tokens
    self.curves = curves
    makeProfile = profile
    self.measure = measure
  }

  /// The profile of the heads up to now; nil if they are not profiled.
  public lazy var profile: HeadProfile? = makeProfile()

  /// What the head loses with fewer rows, as measured when this was first asked.
  func curve(layer: Int, head: Int) -> DistortionCurve {
    if let known = curves[layer, head] { return known }
    let fresh = measure(layer, head)
    curves[layer, head] = fresh
    return fresh
  }
}
