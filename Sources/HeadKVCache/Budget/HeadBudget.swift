/// What a head is taken to look at.
public enum HeadType: String, Sendable, Hashable, Codable, CaseIterable {
  /// Near tokens only: a window serves it.
  case local
  /// Tokens all over the picture.
  case global
}

/// What a head may keep.
public struct HeadBudget: Sendable, Hashable, Codable {
  /// Rows after an update of the cache, prefix included.
  public var rows: Int
  /// Newest rows that never go.
  public var window: Int
  public var type: HeadType

  public init(rows: Int, window: Int, type: HeadType = .global) {
    self.rows = rows
    self.window = window
    self.type = type
  }
}

/// How many of a head's rows are its newest ones.
///
/// A window counted in rows of the grid gives way to small budgets: it takes at most four fifths of
/// the rows beside the prefix, so that a rule has something to choose from.
public enum WindowSize: Sendable, Hashable {
  /// All rows beside the prefix.
  case all
  /// A share of the head's rows, prefix included, rounded.
  case share(Double, FloatingPointRoundingRule = .toNearestOrAwayFromZero)
  case gridRows(Double)
  case tokens(Int)

  /// Rows of the window of a head that keeps `budget` rows; at least the newest.
  public func rows(of budget: Int, _ shape: SequenceShape) -> Int {
    let free = budget - shape.prefixRows
    let fitting = free * 4 / 5
    let wanted =
      switch self {
      case .all: free
      case .share(let share, let rule): Int((share * Double(budget)).rounded(rule))
      case .gridRows(let rows): min(Int((rows * Double(shape.grid.width)).rounded()), fitting)
      case .tokens(let count): min(count, fitting)
      }
    return min(max(wanted, 1), free)
  }
}
