/// What a sequence has shown of its heads when budgets are revised.
public final class BudgetEvidence {
  /// Tokens drawn so far.
  public let tokens: Int
  private let makeProfile: () -> HeadProfile?
  private let measure: ([HeadIndex]) -> [DistortionCurve]
  /// Curves measured earlier and now.
  private(set) var curves: HeadMap<DistortionCurve?>

  init(
    tokens: Int, curves: HeadMap<DistortionCurve?>, profile: @escaping () -> HeadProfile?,
    measure: @escaping ([HeadIndex]) -> [DistortionCurve]
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
    if curves[layer, head] == nil { fill([HeadIndex(layer: layer, head: head)]) }
    return curves[layer, head]!
  }

  /// What each head loses; those not measured yet are measured now.
  func allCurves() -> HeadMap<DistortionCurve> {
    let missing = HeadMap(layers: curves.layers, heads: curves.heads) {
      HeadIndex(layer: $0, head: $1)
    }.values.filter { curves[$0.layer, $0.head] == nil }
    fill(missing)
    return curves.map { $0! }
  }

  private func fill(_ heads: [HeadIndex]) {
    for (index, curve) in zip(heads, measure(heads)) { curves[index.layer, index.head] = curve }
  }
}

/// A head of the model.
struct HeadIndex: Sendable {
  var layer: Int
  var head: Int
}
