import Foundation

/// Which rows heads hold while drawing proceeds, laid over the token grid: a line of panels for each
/// head, a panel for each moment.
public struct KeptRows: Sendable, Equatable {
  /// The rows of a head after a step.
  public struct Moment: Sendable, Equatable {
    /// Tokens that each cell's row stands for: [height, width], row-major; 0 where no row is held.
    public var counts: [Int]
    /// Which cells are drawn: [height, width], row-major.
    public var drawn: [Bool]
    /// The cell drawn last.
    public var current: Int?
    /// Rows of the prefix that are held; they have no cell.
    public var prefixRows: Int

    public init(counts: [Int], drawn: [Bool], current: Int?, prefixRows: Int = 0) {
      self.counts = counts
      self.drawn = drawn
      self.current = current
      self.prefixRows = prefixRows
    }

    /// After `step` tokens in raster order on a grid of `cells`. `rows` are the cells of the live
    /// rows and how many tokens each stands for; rows outside the grid count as prefix.
    public init(cells: Int, step: Int, rows: [(cell: Int, count: Int)]) {
      let cells = max(cells, 0)
      let step = min(max(step, 0), cells)
      var counts = [Int](repeating: 0, count: cells)
      var prefixRows = 0
      for row in rows {
        if counts.indices.contains(row.cell) {
          counts[row.cell] = min(max(row.count, 1), KeptRows.maxTokens)
        } else {
          prefixRows += 1
        }
      }
      self.init(
        counts: counts, drawn: (0..<cells).map { $0 < step }, current: step > 0 ? step - 1 : nil,
        prefixRows: prefixRows)
    }

    /// Rows that are held, prefix included.
    public var liveRows: Int { prefixRows + counts.count { $0 > 0 } }
  }

  public struct Head: Sendable, Equatable {
    public var name: String
    /// A second line, such as the head's type and budget.
    public var note: String
    /// One for each of the figure's moments.
    public var moments: [Moment]

    public init(name: String, note: String = "", moments: [Moment]) {
      self.name = name
      self.note = note
      self.moments = moments
    }
  }

  /// Most tokens that a row may stand for.
  public static let maxTokens = 1 << 16

  public let title: String
  public let subtitle: String
  public let width: Int
  public let height: Int
  /// Names of the moments, such as `token 64`.
  public let moments: [String]
  public let heads: [Head]

  /// - Throws: ``ReportError`` if a side of the grid is outside 1...256, there are no heads or no
  ///   moments or more than 64 of either, sizes do not fit together, or a row stands for less than 0
  ///   or more than ``maxTokens`` tokens.
  public init(
    title: String, subtitle: String = "", width: Int, height: Int, moments: [String],
    heads: [Head]
  ) throws(ReportError) {
    guard 1...256 ~= width, 1...256 ~= height else {
      throw ReportError("a token grid of \(width) x \(height) is outside 1...256 a side")
    }
    guard 1...64 ~= heads.count, 1...64 ~= moments.count else {
      throw ReportError("\(heads.count) heads at \(moments.count) moments, not 1...64 of each")
    }
    for head in heads {
      guard head.moments.count == moments.count else {
        throw ReportError("\(head.name): \(head.moments.count) moments of \(moments.count)")
      }
      for moment in head.moments {
        guard moment.counts.count == width * height, moment.drawn.count == width * height else {
          throw ReportError(
            "\(head.name): a grid of \(width) x \(height) has \(width * height) cells, not \(moment.counts.count) and \(moment.drawn.count)"
          )
        }
        if let count = moment.counts.first(where: { !(0...Self.maxTokens ~= $0) }) {
          throw ReportError("\(head.name): a row that stands for \(count) tokens")
        }
      }
    }
    self.title = title
    self.subtitle = subtitle
    self.width = width
    self.height = height
    self.moments = moments
    self.heads = heads
  }

  public var figure: Figure {
    var layout = Layout()
    let top = layout.heading(title, subtitle)
    let side = max(width, height)
    let cell = side <= 16 ? 7.0 : side <= 24 ? 6 : side <= 32 ? 5 : side <= 64 ? 3 : 1.5
    let names = heads.map {
      max(
        TextWidth.estimate($0.name, size: 11, bold: true), TextWidth.estimate($0.note, size: 10))
    }
    let left = Layout.margin + (names.max() ?? 0) + 16
    let step = (width: cell * Double(width) + 16, height: cell * Double(height) + 30)
    let most = mostTokens
    for (column, name) in moments.enumerated() {
      layout.text(
        name, left + step.width * Double(column), top + 10, TextStyle(size: 10.5, paint: .muted))
    }
    for (line, head) in heads.enumerated() {
      let y = top + 18 + step.height * Double(line)
      layout.text(head.name, Layout.margin, y + 11, TextStyle(bold: true))
      layout.text(head.note, Layout.margin, y + 25, TextStyle(size: 10, paint: .muted))
      for (column, moment) in head.moments.enumerated() {
        let x = left + step.width * Double(column)
        let grid = TokenGrid(width: width, height: height, cell: cell, x: x, y: y)
        let paints = (0..<(width * height)).map { paint(of: $0, moment, most: most) }
        grid.draw(paints, in: &layout)
        layout.text(
          caption(moment), x, y + cell * Double(height) + 13,
          TextStyle(size: 10, paint: .muted))
        layout.widen(x + TextWidth.estimate(caption(moment), size: 10))
      }
    }
    let y = top + 18 + step.height * Double(heads.count) + 4
    var entries: [(Paint, String)] = [
      (.current, "current token"), (Self.held(1, most: most), "row held"),
    ]
    var count = 2
    while count <= most {
      entries.append((Self.held(count, most: most), "stands for \(count)"))
      count *= most > 32 ? 4 : 2
    }
    entries += [(.faded, "drawn, row gone"), (.panel, "not drawn yet")]
    let bottom = Legend.swatches(
      entries, x: Layout.margin, y: y, limit: max(layout.right, 420), in: &layout)
    return layout.figure(title, bottom: bottom)
  }

  private var mostTokens: Int {
    heads.flatMap(\.moments).flatMap(\.counts).max() ?? 1
  }

  private func paint(of cell: Int, _ moment: Moment, most: Int) -> Paint {
    if moment.current == cell { return .current }
    if moment.counts[cell] > 0 { return Self.held(moment.counts[cell], most: most) }
    return moment.drawn[cell] ? .faded : .panel
  }

  private static func held(_ count: Int, most: Int) -> Paint {
    // Shades by the logarithm: the bias that a merged row carries.
    let fraction = log(Double(count)) / log(Double(max(most, 8)))
    return .shade(Int((fraction * Double(Paint.shades - 1)).rounded()))
  }

  private func caption(_ moment: Moment) -> String {
    let rows = moment.liveRows == 1 ? "1 row" : "\(moment.liveRows) rows"
    return moment.prefixRows == 0 ? rows : "\(rows), \(moment.prefixRows) prefix"
  }
}
