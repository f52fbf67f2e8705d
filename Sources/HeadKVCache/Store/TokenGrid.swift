/// The grid of tokens that a picture is drawn on.
public struct TokenGrid: Sendable, Hashable {
  public let width: Int
  public let height: Int

  /// - Precondition: both sides are positive.
  public init(width: Int, height: Int) {
    precondition(width > 0 && height > 0, "a grid has at least one cell")
    self.width = width
    self.height = height
  }

  public var count: Int { width * height }

  /// Row and column of a raster position; nil for a prefix row.
  public func place(of position: Int32) -> (row: Int, column: Int)? {
    guard position >= 0 else { return nil }
    return (Int(position) / width, Int(position) % width)
  }

  /// Squared distance of two raster positions on the grid.
  @inline(__always) func squaredDistance(_ a: Int32, _ b: Int32) -> Int32 {
    let width = Int32(width)
    let (down, right) = (a / width - b / width, a % width - b % width)
    return down * down + right * right
  }
}
