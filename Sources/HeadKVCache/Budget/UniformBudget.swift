/// Every head gets the same, to one row.
public struct UniformBudget: BudgetRule, Hashable {
  public let window: WindowSize
  public let type: HeadType
  public var needsProfile: Bool { false }

  public init(window: WindowSize = .all, type: HeadType = .global) {
    self.window = window
    self.type = type
  }

  public func budgets(
    _ profile: HeadProfile?, total: Int, _ shape: SequenceShape
  ) throws(BudgetError) -> HeadMap<HeadBudget> {
    let map = HeadMap(repeating: 1.0, layers: shape.layers, heads: shape.heads)
    let rows = try Apportionment.split(
      total, weights: map, floors: map.map { _ in shape.prefixRows + 1 },
      ceilings: map.map { _ in shape.fullRows }, scope: .model)
    return rows.map {
      HeadBudget(rows: $0, window: window.rows(of: $0, shape), type: type)
    }
  }
}
