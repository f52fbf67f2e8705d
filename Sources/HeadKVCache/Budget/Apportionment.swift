/// Splits whole rows in proportion to weights, within bounds, to an exact sum.
public enum Apportionment {
  /// Rows for each weight: lambda * weight within its floor and ceiling, with lambda such that they
  /// sum to `total`, rounded by largest remainder (the first on ties).
  ///
  /// Weights that are no positive numbers count as next to nothing: they get rows beyond their
  /// floor when all others are at their ceiling.
  /// - Throws: ``BudgetError`` if `total` is not between the sums of floors and ceilings.
  /// - Precondition: one floor and one ceiling for each weight, none above its ceiling.
  /// - Complexity: O(n log n) for n weights.
  public static func split(
    _ total: Int, weights: [Double], floors: [Int], ceilings: [Int]
  ) throws(BudgetError) -> [Int] {
    precondition(weights.count == floors.count && weights.count == ceilings.count, "bounds")
    precondition(zip(floors, ceilings).allSatisfy { $0 <= $1 }, "a floor above its ceiling")
    let (least, most) = (floors.reduce(0, +), ceilings.reduce(0, +))
    guard total >= least else { throw .tooSmall(total: total, needed: least) }
    guard total <= most else { throw .tooLarge(total: total, most: most) }
    let weights = positive(weights)
    func share(_ index: Int, _ scale: Double) -> Double {
      min(max(scale * weights[index], Double(floors[index])), Double(ceilings[index]))
    }
    // At `high` every share is at its ceiling; the sum rises with the scale.
    var low = 0.0
    var high = zip(ceilings, weights).reduce(1.0) { max($0, Double($1.0) / $1.1) }
    for _ in 0..<200 {
      let middle = (low + high) / 2
      let sum = weights.indices.reduce(0.0) { $0 + share($1, middle) }
      if sum <= Double(total) { low = middle } else { high = middle }
    }
    var rows = weights.indices.map { Int(share($0, low)) }
    // Where rounding of the sum has let one row too many through.
    var left = total - rows.reduce(0, +)
    let order = weights.indices.sorted {
      let (a, b) = (share($0, low), share($1, low))
      return (a - a.rounded(.down), -$0) > (b - b.rounded(.down), -$1)
    }
    while left != 0 {
      for index in order where left != 0 {
        if left > 0 && rows[index] < ceilings[index] {
          rows[index] += 1
          left -= 1
        } else if left < 0 && rows[index] > floors[index] {
          rows[index] -= 1
          left += 1
        }
      }
    }
    return rows
  }

  private static func positive(_ weights: [Double]) -> [Double] {
    let largest = weights.filter(\.isFinite).max() ?? 0
    guard largest > 0 else { return weights.map { _ in 1 } }
    return weights.map { $0.isFinite ? max($0 / largest, 1e-9) : 1e-9 }
  }

  /// The same for the heads of a model. In layer scope each layer gets the same share of `total`.
  ///
  /// - Throws: ``BudgetError`` if the rows do not fit the bounds of the model or of a layer.
  public static func split(
    _ total: Int, weights: HeadMap<Double>, floors: HeadMap<Int>, ceilings: HeadMap<Int>,
    scope: BudgetScope
  ) throws(BudgetError) -> HeadMap<Int> {
    let (layers, heads) = (weights.layers, weights.heads)
    if scope == .model {
      let rows = try split(
        total, weights: weights.values, floors: floors.values, ceilings: ceilings.values)
      return HeadMap(layers: layers, heads: heads) { rows[$0 * heads + $1] }
    }
    func sums(_ map: HeadMap<Int>) -> [Int] {
      (0..<layers).map { map[layer: $0].reduce(0, +) }
    }
    let totals = try split(
      total, weights: Array(repeating: 1, count: layers), floors: sums(floors),
      ceilings: sums(ceilings))
    var rows: [[Int]] = []
    for layer in 0..<layers {
      rows.append(
        try split(
          totals[layer], weights: Array(weights[layer: layer]),
          floors: Array(floors[layer: layer]), ceilings: Array(ceilings[layer: layer])))
    }
    return HeadMap(layers: layers, heads: heads) { rows[$0][$1] }
  }
}
