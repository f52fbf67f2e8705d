import Foundation

/// Heads share what a common floor leaves in proportion to a statistic of theirs.
///
/// The floor is a row of the grid and two tokens, or half of an even share if that is less: a head
/// that looks at one place just above needs that much, however peaked it is.
struct GradedBudget {
  let window: WindowSize
  let scope: BudgetScope
  /// Power to which the statistic is raised.
  let exponent: Double

  func budgets(
    total: Int, _ shape: SequenceShape, _ statistic: HeadMap<Double>
  ) throws(BudgetError) -> HeadMap<HeadBudget> {
    let needed = shape.allHeads * (shape.prefixRows + 1)
    guard total >= needed else { throw .tooSmall(total: total, needed: needed) }
    let free = total / shape.allHeads - shape.prefixRows
    let floor = shape.prefixRows + max(min(shape.grid.width + 2, free / 2), 1)
    let most = shape.fullRows - floor
    let extra = try Apportionment.split(
      total - floor * shape.allHeads,
      weights: statistic.map { power($0) }, floors: statistic.map { _ in 0 },
      ceilings: statistic.map { _ in most }, scope: scope)
    return extra.map {
      HeadBudget(rows: floor + $0, window: window.rows(of: floor + $0, shape))
    }
  }

  private func power(_ value: Double) -> Double {
    exponent == 1 || value <= 0 ? value : exp(exponent * log(value))
  }
}
