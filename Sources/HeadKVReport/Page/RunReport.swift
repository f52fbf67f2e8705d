public import HeadKVImage

/// All that can be shown of a run, drawn with the page's sections in a fixed order; parts left
/// empty are left out.
public struct RunReport: Sendable {
  /// What the cache was allowed, and what it took.
  public struct Cost: Sendable, Equatable {
    /// Bytes that the budget allows.
    public var bytesAsked: Int
    /// Most bytes that were held at once.
    public var bytesHeld: Int
    /// Bytes of the full cache.
    public var bytesFull: Int
    /// Live rows over all heads: most while heads were profiled, most after it, and in the full
    /// cache.
    public var rowsProfiling: Int?
    public var rowsAfter: Int
    public var rowsFull: Int

    public init(
      bytesAsked: Int, bytesHeld: Int, bytesFull: Int, rowsProfiling: Int? = nil, rowsAfter: Int,
      rowsFull: Int
    ) {
      self.bytesAsked = bytesAsked
      self.bytesHeld = bytesHeld
      self.bytesFull = bytesFull
      self.rowsProfiling = rowsProfiling
      self.rowsAfter = rowsAfter
      self.rowsFull = rowsFull
    }
  }

  /// A picture with the full cache beside the same one with the compressed cache.
  public struct Pair: Sendable {
    public var name: String
    public var full: RGBImage
    public var compressed: RGBImage
    /// Tokens of both, in raster order.
    public var fullTokens: [Int32]
    public var compressedTokens: [Int32]
    /// Tokens in a line of the grid.
    public var gridWidth: Int

    public init(
      name: String, full: RGBImage, compressed: RGBImage, fullTokens: [Int32],
      compressedTokens: [Int32], gridWidth: Int
    ) {
      self.name = name
      self.full = full
      self.compressed = compressed
      self.fullTokens = fullTokens
      self.compressedTokens = compressedTokens
      self.gridWidth = gridWidth
    }
  }

  public var title: String
  public var subtitle: String
  /// Names and values, in order.
  public var settings: [(name: String, value: String)] = []
  public var cost: Cost?
  /// Pictures without a twin to compare with.
  public var pictures: [HTMLPage.Picture] = []
  public var pairs: [Pair] = []
  public var headMaps: [HeadMap] = []
  public var offsetMaps: [OffsetMap] = []
  public var keptRows: [KeptRows] = []
  public var timelines: [RowTimeline] = []
  public var agreements: [RankAgreement] = []
  public var charts: [LossMemoryChart] = []
  /// Column heads and lines below the charts.
  public var chartTable: (columns: [String], rows: [[String]])?

  public init(title: String, subtitle: String = "") {
    self.title = title
    self.subtitle = subtitle
  }

  /// - Throws: ``ReportError`` if the sizes of a pair do not fit together.
  public func page() throws(ReportError) -> HTMLPage {
    var page = HTMLPage(title: title, subtitle: subtitle)
    page.add("Settings", settings.isEmpty ? [] : [.facts(settings)])
    page.add("Cost", cost.map(Self.blocks) ?? [])
    page.add("Comparison", chartBlocks)
    page.add("Pictures", try pictureBlocks())
    page.add("Heads", headMaps.isEmpty ? [] : [.figures(headMaps.map(\.figure))])
    page.add("Attention", offsetMaps.map { .figure($0.figure) })
    page.add("Kept rows", keptRows.map { .figure($0.figure) })
    page.add("Timeline", timelines.map { .figure($0.figure) })
    page.add(
      "Agreement",
      agreements.isEmpty ? [] : [.figures(agreements.map(\.figure))])
    return page
  }

  private static func blocks(_ cost: Cost) -> [HTMLPage.Block] {
    func share(_ part: Int, _ whole: Int) -> Double { whole > 0 ? Double(part) / Double(whole) : 0 }
    func bytes(_ name: String, _ value: Int) -> (name: String, value: String, share: Double) {
      let share = share(value, cost.bytesFull)
      return (name, "\(NumberText.bytes(value)), \(NumberText.percent(share))", share)
    }
    func rows(_ name: String, _ value: Int) -> [String] {
      [name, NumberText.grouped(value), NumberText.percent(share(value, cost.rowsFull))]
    }
    var table = cost.rowsProfiling.map { [rows("most while profiling", $0)] } ?? []
    table.append(rows("most after profiling", cost.rowsAfter))
    table.append(rows("full cache", cost.rowsFull))
    return [
      .bars([
        bytes("full cache", cost.bytesFull), bytes("asked", cost.bytesAsked),
        bytes("held", cost.bytesHeld),
      ]),
      .table(columns: ["live rows of all heads", "rows", "of the full cache"], rows: table),
    ]
  }

  private var chartBlocks: [HTMLPage.Block] {
    let figures = charts.map { HTMLPage.Block.figure($0.figure) }
    return figures + (chartTable.map { [.table(columns: $0.columns, rows: $0.rows)] } ?? [])
  }

  private func pictureBlocks() throws(ReportError) -> [HTMLPage.Block] {
    var blocks: [HTMLPage.Block] = pictures.isEmpty ? [] : [.pictures(pictures)]
    for pair in pairs {
      let psnr = try Likeness.psnr(pair.full, pair.compressed)
      let agreement = try Likeness.tokens(pair.fullTokens, pair.compressedTokens)
      guard pair.gridWidth > 0, agreement.total % pair.gridWidth == 0 else {
        throw ReportError(
          "\(pair.name): \(agreement.total) tokens do not make lines of \(pair.gridWidth)")
      }
      let difference = try TokenDifference(
        width: pair.gridWidth, height: agreement.total / pair.gridWidth, pair.fullTokens,
        pair.compressedTokens)
      blocks.append(
        .pictures(
          [
            .init(pair.full, caption: "\(pair.name), full cache"),
            .init(pair.compressed, caption: "\(pair.name), compressed cache"),
          ], figures: [difference.figure]))
      blocks.append(
        .text("\(pair.name): agree in \(agreement); PSNR \(Likeness.describe(psnr: psnr))."))
    }
    return blocks
  }
}
