/// What a sequence's cache has to hold.
public struct SequenceShape: Sendable, Hashable {
  public let layers: Int
  public let heads: Int
  /// Elements of a key, and of a value.
  public let headDimension: Int
  /// Rows of the prefix, after folding.
  public let prefixRows: Int
  public let grid: TokenGrid
  /// Tokens appended by one step at most.
  public let rowsPerStep: Int
  /// The type that keys and values are held in.
  public let element: CacheElement

  /// - Precondition: all are positive; `prefixRows` may be 0.
  public init(
    layers: Int, heads: Int, headDimension: Int, prefixRows: Int, grid: TokenGrid,
    rowsPerStep: Int = 1, element: CacheElement = .f32
  ) {
    precondition(
      layers > 0 && heads > 0 && headDimension > 0 && prefixRows >= 0 && rowsPerStep > 0,
      "a sequence has layers, heads and rows")
    self.layers = layers
    self.heads = heads
    self.headDimension = headDimension
    self.prefixRows = prefixRows
    self.grid = grid
    self.rowsPerStep = rowsPerStep
    self.element = element
  }

  /// The same with rows of another type.
  public func holding(_ element: CacheElement) -> SequenceShape {
    SequenceShape(
      layers: layers, heads: heads, headDimension: headDimension, prefixRows: prefixRows,
      grid: grid, rowsPerStep: rowsPerStep, element: element)
  }

  /// Heads of all layers.
  public var allHeads: Int { layers * heads }

  /// Rows of the full cache: the prefix and every token but the last, which is never read back.
  public var fullRows: Int { prefixRows + grid.count - 1 }

  /// Bytes that a sequence holds when every head has room for `rows` rows.
  public func byteCount(rowsPerHead rows: Int) -> Int {
    byteCount(capacities: HeadMap(repeating: rows, layers: layers, heads: heads))
  }

  /// Bytes that a sequence holds when its heads have room for `capacities` rows: whole pages.
  ///
  /// - Precondition: one capacity for each head.
  public func byteCount(capacities: HeadMap<Int>) -> Int {
    precondition(
      capacities.layers == layers && capacities.heads == heads, "one capacity for each head")
    return CacheArena.pages(layout(capacities).byteCount)
  }

  /// The most bytes that a sequence holds, however room for `rows` rows is split between its heads.
  public func mostBytes(rows: Int) -> Int {
    CacheArena.pages(
      SlabLayout.mostBytes(
        headDimension: headDimension, element: element, rows: rows, heads: allHeads))
  }

  func layout(_ capacities: HeadMap<Int>) -> SlabLayout {
    SlabLayout(headDimension: headDimension, element: element, capacities: capacities)
  }
}
