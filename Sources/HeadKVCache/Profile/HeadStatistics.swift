import Foundation

/// What one head's attention looks like: means over the queries of a profile.
///
/// Weights are normalised over the profile's domain, so that those of a query sum to one.
public struct HeadStatistics: Sendable, Hashable, Codable {
  /// Entropy of the weights over that of even ones, 0 (a single row) to 1 (even).
  public var entropy: Double
  /// Least number of newest tokens that hold the mass tau.
  public var reach: Double
  /// Weight of the prefix among all rows.
  public var prefixMass: Double
  /// Weight by age, 0 being the query's own token.
  public var ageMass: [Float]
  /// Weight by rows of the grid above the query's.
  public var rowMass: [Float]
  public var offsetMass: OffsetMass
  /// Mean weight of each row of the cache, largest first.
  public var concentration: [Float]
  /// Effective rank of the picture's keys, and of its values, if it was measured.
  public var keyRank: Double?
  public var valueRank: Double?

  public init(
    entropy: Double, reach: Double, prefixMass: Double, ageMass: [Float], rowMass: [Float],
    offsetMass: OffsetMass, concentration: [Float], keyRank: Double? = nil,
    valueRank: Double? = nil
  ) {
    self.entropy = entropy
    self.reach = reach
    self.prefixMass = prefixMass
    self.ageMass = ageMass
    self.rowMass = rowMass
    self.offsetMass = offsetMass
    self.concentration = concentration
    self.keyRank = keyRank
    self.valueRank = valueRank
  }

  /// The type of head by what it reaches: local if tau of its mass lies within fewer newest tokens
  /// than `window` (arXiv 2605.20600, section 4).
  public func type(window: Int) -> HeadType { reach < Double(window) ? .local : .global }

  /// Mean weight outside the query's row of the grid and the one above.
  public var farMass: Double { rowMass.dropFirst(2).reduce(0.0) { $0 + Double($1) } }
}

/// Mean weight by place relative to the query's token.
public struct OffsetMass: Sendable, Hashable, Codable {
  /// Rows above that are told apart, 0 being the query's own.
  public static let rows = 5
  /// Columns to each side that are told apart.
  public static let columns = 4
  /// Places that are told apart.
  public static let count = rows * (2 * columns + 1)

  /// Row by row, from the left: `[rows, 2 * columns + 1]`.
  public var values: [Float]
  /// Weight everywhere else on the grid.
  public var rest: Float

  public init(values: [Float], rest: Float) {
    self.values = values
    self.rest = rest
  }

  /// Weight of the token `up` rows above and `right` columns to the right (left if negative).
  ///
  /// - Precondition: both are among those told apart.
  public subscript(up up: Int, right right: Int) -> Float {
    precondition((0..<Self.rows).contains(up) && abs(right) <= Self.columns, "not told apart")
    return values[up * (2 * Self.columns + 1) + right + Self.columns]
  }
}
