/// One new token of one sequence in a step.
public struct StepRow: Sendable, Hashable {
  public var sequence: Int
  public var token: Int32
  /// Where on the grid the token stands, in raster order.
  public var position: Int32

  public init(sequence: Int, token: Int32, position: Int32) {
    self.sequence = sequence
    self.token = token
    self.position = position
  }
}

/// The rows of one sequence in a step.
struct StepGroup: Sendable {
  var sequence: Int
  var firstRow: Int
  var rows: Int
}
