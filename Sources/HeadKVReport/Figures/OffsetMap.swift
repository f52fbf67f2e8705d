import Foundation

/// Where heads look: mean attention by the offset of the token looked at, one panel a head. The
/// token itself is the framed cell in the lowest line.
public struct OffsetMap: Sendable, Equatable {
  public struct Head: Sendable, Equatable {
    /// `layer 3, head 5`, or whatever tells it from the others.
    public var name: String
    /// Share of attention for each offset: [lines, columns], row-major. The last line is the
    /// token's own, the middle column is straight above it. NaN where nothing is ever seen.
    public var mass: [Double]

    public init(name: String, mass: [Double]) {
      self.name = name
      self.mass = mass
    }
  }

  public let title: String
  public let subtitle: String
  /// Grid lines, from the farthest above to the token's own.
  public let lines: Int
  /// An odd number.
  public let columns: Int
  public let heads: [Head]

  /// - Throws: ``ReportError`` if a side is outside 1...255, `columns` is even, there are no heads or
  ///   more than 512, or a head has not `lines * columns` shares.
  public init(
    title: String, subtitle: String = "", lines: Int, columns: Int, heads: [Head]
  ) throws(ReportError) {
    guard 1...255 ~= lines, 1...255 ~= columns, columns % 2 == 1 else {
      throw ReportError(
        "an offset map of \(lines) x \(columns) is outside 1...255 a side or not odd in width")
    }
    guard 1...512 ~= heads.count else {
      throw ReportError("\(heads.count) heads in an offset map, not 1...512")
    }
    for head in heads where head.mass.count != lines * columns {
      throw ReportError(
        "\(head.name): an offset map of \(lines) x \(columns) takes \(lines * columns) shares, not \(head.mass.count)"
      )
    }
    self.title = title
    self.subtitle = subtitle
    self.lines = lines
    self.columns = columns
    self.heads = heads
  }

  /// Shares below this one look like nothing.
  private static let least = 1e-3

  public var figure: Figure {
    var layout = Layout()
    let top = layout.heading(title, subtitle)
    let cell = columns <= 9 ? 22.0 : columns <= 17 ? 14 : columns <= 35 ? 8 : columns <= 71 ? 5 : 3
    let size = (width: cell * Double(columns), height: cell * Double(lines))
    let names = heads.map { TextWidth.estimate($0.name, size: 11) }.max() ?? 0
    let step = (width: max(size.width, names) + 22, height: size.height + 34)
    let perLine = min(heads.count, max(1, Int(840 / step.width)))
    for (index, head) in heads.enumerated() {
      let x = Layout.margin + step.width * Double(index % perLine)
      let y = top + step.height * Double(index / perLine)
      layout.text(head.name, x, y + 11)
      draw(head, x: x, y: y + 18, cell: cell, in: &layout)
      layout.widen(x + step.width - 22)
    }
    let panels = Double((heads.count - 1) / perLine + 1)
    let bottom = Legend.bar(
      .sequential,
      labels: [(0, "0.1 %"), (1 / 3, "1 %"), (2 / 3, "10 %"), (1, "100 %")],
      x: Layout.margin, y: top + step.height * panels, width: 220, in: &layout)
    return layout.figure(title, bottom: bottom)
  }

  private func draw(
    _ head: Head, x: Double, y: Double, cell: Double, in layout: inout Layout
  ) {
    let gap = cell > 4 ? 1.0 : 0
    var unseen: [Box] = []
    var texts: [Mark] = []
    for (index, share) in head.mass.enumerated() {
      let (line, column) = (index / columns, index % columns)
      let box = Box(
        x + cell * Double(column), y + cell * Double(line), cell - gap, cell - gap)
      guard share.isFinite else {
        unseen.append(box)
        continue
      }
      let level = log10(max(share, Self.least) / Self.least) / 3
      let color = ColorScale.sequential.color(level)
      let (dy, dx) = (line - lines + 1, column - columns / 2)
      layout.add(
        .cell(
          box, .color(color),
          note: "\(dy) lines, \(dx) columns: \(NumberText.percent(share, digits: 2))"))
      if cell >= 22, share >= 0.01 {
        texts.append(
          .text(
            NumberText.fixed(100 * share, digits: 0),
            at: Point(box.x + box.width / 2, box.y + box.height / 2 + 3.25),
            TextStyle(size: 9, paint: .color(color.readableInk), anchor: .middle)))
      }
    }
    layout.add(.boxes(unseen, .panel, opacity: 1))
    for text in texts { layout.add(text) }
    let (left, right) = (x + cell * Double(columns / 2), x + cell * Double(columns / 2 + 1) - gap)
    let (upper, lower) = (y + cell * Double(lines - 1), y + cell * Double(lines) - gap)
    let corners = [
      Point(left, upper), Point(right, upper), Point(right, lower), Point(left, lower),
      Point(left, upper),
    ]
    layout.add(.lines([corners], Stroke(.current, width: 1.5)))
  }
}
