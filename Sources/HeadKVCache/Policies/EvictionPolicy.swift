/// Where a head stands when its policy is asked.
public struct HeadStep: Sendable, Hashable {
  public var layer: Int
  public var head: Int
  /// The step being drawn; a row's age is `now - birth`.
  public var now: Int32
  /// Live rows that belong to the prefix; they fill the first slots.
  public var prefixRows: Int
  /// Rows appended in this step; they fill the last slots.
  public var newRows: Int
  /// Queries that attended in this step.
  public var queries: Int
  public var grid: TokenGrid

  public init(
    layer: Int, head: Int, now: Int32, prefixRows: Int, newRows: Int, queries: Int,
    grid: TokenGrid
  ) {
    self.layer = layer
    self.head = head
    self.now = now
    self.prefixRows = prefixRows
    self.newRows = newRows
    self.queries = queries
    self.grid = grid
  }
}

/// Decides which rows of a head stay.
///
/// Asked after each step's attention, once for each layer and head, possibly from several threads
/// at a time: it is a value without state. Running sums belong into the store's scores.
public protocol EvictionPolicy: Sendable {
  /// Rows that the slab of a head needs, the rows of the current step included. A run never holds
  /// more than `shape.fullRows`, whatever is answered.
  func capacity(layer: Int, head: Int, shape: SequenceShape) -> Int

  /// Names the rows to go, or to be merged, in `plan`, which comes empty.
  ///
  /// All spans are indexed by slot, over the live rows, this step's new ones included.
  /// - Parameters:
  ///   - positions: raster positions on `step.grid`; negative for prefix rows.
  ///   - births: steps in which the rows were appended.
  ///   - biases: log of the number of tokens each row stands for.
  ///   - weights: softmax weights `[queries, rows]` of this step.
  ///   - scores: the policy's own running value for each row; 0 for a new one.
  func plan(
    _ step: HeadStep, positions: Span<Int32>, births: Span<Int32>, biases: Span<Float>,
    weights: Span<Float>, scores: inout MutableSpan<Float>, into plan: inout EvictionPlan)
}
