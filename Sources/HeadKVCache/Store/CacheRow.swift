import Foundation

/// What the store remembers of one cached row beside its key and value.
public struct CacheRow: Sendable, Hashable {
  /// Index of the token on its grid in raster order (row * width + column); negative for a row of
  /// the prefix, which has no place on the grid.
  public var position: Int32
  /// The sequence's step in which the row was appended; `now - birth` is its age. Equal to the
  /// position for raster order only.
  public var birth: Int32
  /// Added to the row's attention logit: log c for a row that stands for c equal ones.
  public var bias: Float

  public init(position: Int32, birth: Int32, bias: Float = 0) {
    self.position = position
    self.birth = birth
    self.bias = bias
  }

  public var isPrefix: Bool { position < 0 }

  /// Tokens that the row stands for.
  public var tokens: Int { Int(exp(min(max(bias, 0), 40)).rounded()) }
}
