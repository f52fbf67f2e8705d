import Foundation

/// Rows in proportion to a measure of each head, above a common floor.
///
/// The floor is a row of the grid and two tokens, or half of an even share if that is less: a head
/// that looks at one place just above needs that much, however peaked it is.
public struct GradedBudget: BudgetRule, Hashable {
  /// What rows are in proportion to.
  public enum Measure: Sendable, Hashable {
    /// How evenly a head looks: ``HeadStatistics/entropy``.
    case entropy
    /// How far back its mass reaches: ``HeadStatistics/reach``.
    case reach

    func of(_ head: HeadStatistics) -> Double {
      switch self {
      case .entropy: head.entropy
      case .reach: head.reach
      }
    }
  }

  public let measure: Measure
  public let window: WindowSize
  public let scope: BudgetScope
  /// Power to which the measure is raised: 0 is uniform, larger ones tell heads further apart.
  public let exponent: Double
  public var needsProfile: Bool { true }

  public init(
    _ measure: Measure, window: WindowSize = .share(0.75), scope: BudgetScope = .model,
    exponent: Double = 1
  ) {
    self.measure = measure
    self.window = window
    self.scope = scope
    self.exponent = exponent
  }

  public func budgets(
    _ profile: HeadProfile?, total: Int, _ shape: SequenceShape
  ) throws(BudgetError) -> HeadMap<HeadBudget> {
    let heads = try checked(profile, shape).heads
    let needed = shape.allHeads * (shape.prefixRows + 1)
    guard total >= needed else { throw .tooSmall(total: total, needed: needed) }
    let free = total / shape.allHeads - shape.prefixRows
    let floor = shape.prefixRows + max(min(shape.grid.width + 2, free / 2), 1)
    let most = shape.fullRows - floor
    let extra = try Apportionment.split(
      total - floor * shape.allHeads, weights: heads.map { power(measure.of($0)) },
      floors: heads.map { _ in 0 }, ceilings: heads.map { _ in most }, scope: scope)
    return extra.map {
      HeadBudget(rows: floor + $0, window: window.rows(of: floor + $0, shape))
    }
  }

  private func power(_ value: Double) -> Double {
    exponent == 1 || value <= 0 ? value : exp(exponent * log(value))
  }
}
