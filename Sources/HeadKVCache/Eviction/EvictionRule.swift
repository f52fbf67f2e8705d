/// Where a head stands when its rule is asked.
public struct HeadStep: Sendable, Hashable {
  public var layer: Int
  public var head: Int
  /// The step being drawn; a row's age is `now - birth`.
  public var now: Int32
  /// Tokens of the picture in the cache's past and present, this step's included.
  public var tokens: Int
  /// Live rows that belong to the prefix; they fill the first slots.
  public var prefixRows: Int
  /// Rows appended in this step; they fill the last slots.
  public var newRows: Int
  /// Rows that a step appends at most.
  public var rowsPerStep: Int
  public var grid: TokenGrid
  /// Tokens since the last update of the cache, this step's included.
  public var sinceUpdate: Int
  /// Tokens until the next update; 0 if it follows this step's attention.
  public var untilUpdate: Int

  public init(
    layer: Int, head: Int, now: Int32, tokens: Int, prefixRows: Int, newRows: Int,
    rowsPerStep: Int = 1, grid: TokenGrid, sinceUpdate: Int? = nil, untilUpdate: Int = 0
  ) {
    self.layer = layer
    self.head = head
    self.now = now
    self.tokens = tokens
    self.prefixRows = prefixRows
    self.newRows = newRows
    self.rowsPerStep = rowsPerStep
    self.grid = grid
    self.sinceUpdate = sinceUpdate ?? newRows
    self.untilUpdate = untilUpdate
  }

  /// Whether this is the first step after an update.
  public var startsPeriod: Bool { sinceUpdate <= newRows }
}

/// Decides which rows of a head stay.
///
/// Asked for each layer and head, possibly from several threads at a time: a rule is a value
/// without state. What it remembers of a row belongs into the row's score. Nothing here may
/// allocate.
public protocol EvictionRule: Sendable {
  /// Folds a step's weights into the scores. Called after each step's attention.
  func observe(_ head: HeadView, _ step: HeadStep)

  /// Names `surplus` rows to go, or to be merged, in `plan`, which comes empty.
  ///
  /// Called when the cache is updated and the head holds more than `budget.rows`. The prefix and
  /// the newest `budget.window` rows stay. If fewer are named, the oldest others go.
  func plan(
    surplus: Int, _ budget: HeadBudget, _ head: HeadView, _ step: HeadStep,
    into plan: inout EvictionPlan)
}

extension EvictionRule {
  public func observe(_ head: HeadView, _ step: HeadStep) {}
}
