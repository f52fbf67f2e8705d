/// Heads whose weights are spread over more rows get more: the split that keeps the largest weights
/// of a layer, whichever head they are in.
///
/// Ada-KV (Feng et al., "Ada-KV: Optimizing KV Cache Eviction by Adaptive Budget Allocation for
/// Efficient LLM Inference", arXiv 2407.11550): the mean weights of all heads of a layer are pooled,
/// the largest of them are marked, as many as the budget's share of the picture, and a head's rows
/// are in proportion to its marks. Each head keeps a safeguard share of an even budget.
public struct ConcentrationBudget: BudgetRule, Hashable {
  /// Share of an even budget that each head gets in any case.
  public let safeguard: Double
  public let window: WindowSize
  public let scope: BudgetScope
  public var needsProfile: Bool { true }

  /// - Precondition: `safeguard` is between 0 and 1.
  public init(
    safeguard: Double = 0.2, window: WindowSize = .gridRows(1), scope: BudgetScope = .layer
  ) {
    precondition((0...1).contains(safeguard), "a share of an even budget")
    self.safeguard = safeguard
    self.window = window
    self.scope = scope
  }

  public func budgets(
    _ profile: HeadProfile?, total: Int, _ shape: SequenceShape
  ) throws(BudgetError) -> HeadMap<HeadBudget> {
    let heads = try checked(profile, shape).heads
    let even = try UniformBudget(window: window).budgets(nil, total: total, shape)
    // The window is kept whatever the weights, so a head's floor holds it.
    let floors = even.map {
      max(Int(safeguard * Double($0.rows)), shape.prefixRows + $0.window)
    }
    let share = Double(total) / Double(shape.allHeads * shape.fullRows)
    let marks =
      scope == .layer
      ? (0..<shape.layers).flatMap { Self.marks(heads[layer: $0], share) }
      : Self.marks(heads.values[...], share)
    let extra = try Apportionment.split(
      total - floors.values.reduce(0, +),
      weights: HeadMap(layers: shape.layers, heads: shape.heads) {
        Double(marks[$0 * shape.heads + $1])
      },
      floors: floors.map { _ in 0 }, ceilings: floors.map { shape.fullRows - $0 }, scope: scope)
    return HeadMap(layers: shape.layers, heads: shape.heads) {
      HeadBudget(rows: floors[$0, $1] + extra[$0, $1], window: even[$0, $1].window)
    }
  }

  /// How many of the largest weights of all `heads` are each head's.
  private static func marks(_ heads: ArraySlice<HeadStatistics>, _ share: Double) -> [Int] {
    var pooled = heads.enumerated().flatMap { head, statistics in
      statistics.concentration.map { (weight: $0, head: head) }
    }
    // The first head on ties, so that the order is one and the same everywhere.
    pooled.sort { ($0.weight, -$0.head) > ($1.weight, -$1.head) }
    var marks = [Int](repeating: 0, count: heads.count)
    for item in pooled.prefix(Int((share * Double(pooled.count)).rounded(.up))) {
      marks[item.head] += 1
    }
    return marks
  }
}
