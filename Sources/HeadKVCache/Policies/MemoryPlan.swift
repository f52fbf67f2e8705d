/// What a sequence's cache takes under a policy, known before the first token: rows with what
/// stands beside them, and what is noted of the heads while budgets are to be revised.
public struct MemoryPlan: Sendable, Hashable, Codable {
  /// Rows that all heads together may hold before budgets are first revised, and afterwards.
  public let profilingRows: Int
  public let steadyRows: Int
  /// The most bytes before budgets are last revised, with what is noted of the heads until then.
  public let profilingBytes: Int
  /// The most bytes afterwards, however the budgets turn out.
  public let steadyBytes: Int
  /// Bytes of the full cache with rows of the same type, for comparison.
  public let fullBytes: Int
  /// Whether budgets are revised while the picture is drawn.
  public let isRevised: Bool

  /// The most bytes that a sequence ever holds.
  public var capBytes: Int { max(profilingBytes, steadyBytes) }

  init(
    _ shape: SequenceShape, budgeter: any Budgeter, opening: HeadMap<HeadBudget>, slack: Int
  ) {
    let first = HeadCapacity(shape, slack: slack, until: budgeter.revisions.first)
    let capacities = opening.map { first.rows(for: $0) }
    profilingRows = capacities.values.reduce(0, +)
    let openingBytes = shape.byteCount(capacities: capacities)
    let watchBytes = HeadWatch.byteCount(
      shape, budgeter.profiling, measures: budgeter.distortion != nil)
    fullBytes = shape.byteCount(rowsPerHead: shape.fullRows)
    isRevised = !budgeter.revisions.isEmpty
    if !isRevised {
      steadyRows = profilingRows
      steadyBytes = openingBytes
    } else {
      let full = shape.fullRows * shape.allHeads
      steadyRows = min(budgeter.mostRows(shape) + slack * shape.allHeads, full)
      steadyBytes = steadyRows == full ? fullBytes : shape.mostBytes(rows: steadyRows)
    }
    // Between several revisions the cache is laid out as the budgets turn out.
    let isLaidOutBetween = budgeter.revisions.count > 1
    profilingBytes = (isLaidOutBetween ? max(openingBytes, steadyBytes) : openingBytes) + watchBytes
  }
}

/// Rows that the slab of a head needs for its budget.
struct HeadCapacity {
  /// Rows that can exist at all in the phase at hand.
  private let most: Int
  private let slack: Int

  /// - Parameters:
  ///   - slack: rows that a head may hold beyond its budget between updates.
  ///   - revision: tokens after which budgets are revised next, if they are.
  init(_ shape: SequenceShape, slack: Int, until revision: Int?) {
    self.slack = slack
    guard let revision else {
      most = shape.fullRows
      return
    }
    most = min(shape.prefixRows + revision + shape.rowsPerStep - 1, shape.fullRows)
  }

  func rows(for budget: HeadBudget) -> Int { min(budget.rows + slack, most) }
}
