/// Two drawings of one picture compared token by token on the grid.
public struct TokenDifference: Sendable, Equatable {
  public let title: String
  public let width: Int
  public let height: Int
  /// Whether the tokens are the same: [height, width], row-major.
  public let same: [Bool]

  /// - Throws: ``ReportError`` if a side is outside 1...256 or a picture has not `width * height`
  ///   tokens.
  public init(
    title: String = "", width: Int, height: Int, _ tokens: [Int32], _ others: [Int32]
  ) throws(ReportError) {
    guard 1...256 ~= width, 1...256 ~= height else {
      throw ReportError("a token grid of \(width) x \(height) is outside 1...256 a side")
    }
    guard tokens.count == width * height, others.count == width * height else {
      throw ReportError(
        "a grid of \(width) x \(height) has \(width * height) tokens, not \(tokens.count) and \(others.count)"
      )
    }
    self.title = title
    self.width = width
    self.height = height
    same = zip(tokens, others).map { $0 == $1 }
  }

  public var figure: Figure {
    var layout = Layout()
    let top = layout.heading(title, "")
    let side = Double(max(width, height))
    let cell = max(2, (192 / side).rounded())
    let grid = TokenGrid(width: width, height: height, cell: cell, x: Layout.margin, y: top)
    grid.draw(same.map { $0 ? .faded : .current }, in: &layout)
    let bottom = Legend.swatches(
      [(.faded, "same token"), (.current, "other token")], x: Layout.margin,
      y: top + cell * Double(height) + 10, limit: 400, in: &layout)
    return layout.figure(title.isEmpty ? "Tokens that differ" : title, bottom: bottom)
  }
}
