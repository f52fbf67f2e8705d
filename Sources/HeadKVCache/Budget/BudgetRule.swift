/// Splits a sequence's rows between its heads.
public protocol BudgetRule: Sendable {
  /// Whether ``budgets(_:total:_:)`` looks at a profile.
  var needsProfile: Bool { get }

  /// Budgets that sum to `total` rows, or to less where the rule says so; no head gets more than
  /// `shape.fullRows` nor less than the prefix and one row.
  ///
  /// - Throws: ``BudgetError`` if `total` is not enough, or the profile is missing or of another
  ///   shape.
  func budgets(
    _ profile: HeadProfile?, total: Int, _ shape: SequenceShape
  ) throws(BudgetError) -> HeadMap<HeadBudget>
}

/// Between which heads rows are traded.
public enum BudgetScope: String, Sendable, Hashable, CaseIterable {
  /// Those of one layer; each layer gets the same.
  case layer
  /// All heads of the model.
  case model
}

/// Why rows cannot be split.
public enum BudgetError: Error, Sendable, Equatable, CustomStringConvertible {
  case tooSmall(total: Int, needed: Int)
  case tooLarge(total: Int, most: Int)
  case profileMissing
  case profileOfAnotherShape(layers: Int, heads: Int)

  public var description: String {
    switch self {
    case .tooSmall(let total, let needed):
      "a budget of \(total) rows is below the \(needed) that the heads need at least"
    case .tooLarge(let total, let most):
      "a budget of \(total) rows is above the \(most) that the heads can take"
    case .profileMissing: "these budgets need a profile of the heads"
    case .profileOfAnotherShape(let layers, let heads):
      "the profile is of \(layers) layers with \(heads) heads, not of this model"
    }
  }
}

extension BudgetRule {
  /// The profile, checked against the shape.
  func checked(
    _ profile: HeadProfile?, _ shape: SequenceShape
  ) throws(BudgetError) -> HeadProfile {
    guard let profile else { throw .profileMissing }
    guard profile.heads.layers == shape.layers, profile.heads.heads == shape.heads else {
      throw .profileOfAnotherShape(layers: profile.heads.layers, heads: profile.heads.heads)
    }
    return profile
  }
}
