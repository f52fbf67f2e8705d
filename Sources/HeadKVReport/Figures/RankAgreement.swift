/// Early against late values of every head, with the line of equality and Spearman's rho. Colours
/// are layers.
public struct RankAgreement: Sendable, Equatable {
  public let title: String
  public let subtitle: String
  /// What the axes show, such as `entropy in rows 2-3`.
  public let earlyName: String
  public let lateName: String
  public let layers: Int
  public let heads: Int
  /// [layers, heads], row-major. Heads of which either value is not finite are left out.
  public let early: [Double]
  public let late: [Double]
  /// Spearman's rho; NaN if it is not defined.
  public let rho: Double

  /// - Throws: ``ReportError`` if a side is outside 1...512, there are not `layers * heads` values
  ///   each time, or a finite value is larger than 1e15.
  public init(
    title: String, subtitle: String = "", earlyName: String = "early", lateName: String = "late",
    layers: Int, heads: Int, early: [Double], late: [Double]
  ) throws(ReportError) {
    guard 1...512 ~= layers, 1...512 ~= heads else {
      throw ReportError("\(layers) layers of \(heads) heads are outside 1...512 a side")
    }
    guard early.count == layers * heads, late.count == layers * heads else {
      throw ReportError(
        "\(layers) layers of \(heads) heads take \(layers * heads) values, not \(early.count) and \(late.count)"
      )
    }
    if let value = (early + late).first(where: { $0.isFinite && $0.magnitude > 1e15 }) {
      throw ReportError("\(value) is too large to be drawn")
    }
    self.title = title
    self.subtitle = subtitle
    self.earlyName = earlyName
    self.lateName = lateName
    self.layers = layers
    self.heads = heads
    self.early = early
    self.late = late
    rho = try RankCorrelation.spearman(early, late)
  }

  public var figure: Figure {
    var layout = Layout()
    let top = layout.heading(title, subtitle) + 20
    let (left, side) = (Layout.margin + 50, 300.0)
    let (right, bottom) = (left + side, top + side)
    let shown = early.indices.filter { early[$0].isFinite && late[$0].isFinite }
    let all = shown.flatMap { [early[$0], late[$0]] }
    let (least, most) = (all.min() ?? 0, all.max() ?? 1)
    let ticks = Axis.linear(least, most > least ? most : least + max(1, least.magnitude), count: 5)
    let (low, high) = (ticks.first ?? 0, ticks.last ?? 1)
    func along(_ value: Double) -> Double { side * (value - low) / (high - low) }

    layout.add(.boxes([Box(left, top, side, side)], .panel, opacity: 1))
    let grid = ticks.flatMap { tick in
      let at = along(tick)
      return [
        [Point(left, bottom - at), Point(right, bottom - at)],
        [Point(left + at, top), Point(left + at, bottom)],
      ]
    }
    layout.add(.lines(grid, Stroke(.rule)))
    layout.add(
      .lines([[Point(left, bottom), Point(right, top)]], Stroke(.muted, width: 1.2, dash: 4)))
    let muted = TextStyle(size: 11, paint: .muted, anchor: .end)
    var centred = muted
    centred.anchor = .middle
    for tick in ticks {
      layout.text(Axis.label(tick), left - 8, bottom - along(tick) + 4, muted)
    }
    for tick in ticks {
      layout.text(Axis.label(tick), left + along(tick), bottom + 17, centred)
    }
    layout.text(lateName, Layout.margin, top - 10, TextStyle(size: 11.5))
    layout.text(earlyName, right, bottom + 35, TextStyle(size: 11.5, anchor: .end))
    layout.widen(right + 8)
    layout.widen(Layout.margin + TextWidth.estimate(lateName, size: 11.5))

    for index in shown {
      let (layer, head) = (index / heads, index % heads)
      let depth = layers > 1 ? Double(layer) / Double(layers - 1) : 0
      let note =
        "layer \(layer), head \(head): \(NumberText.short(early[index], digits: 4)), \(NumberText.short(late[index], digits: 4))"
      layout.add(
        .disc(
          Point(left + along(early[index]), bottom - along(late[index])),
          radius: shown.count > 400 ? 3 : 4.2, fill: .color(ColorScale.sequential.color(depth)),
          stroke: Stroke(.paper, width: 0.8), note: note))
    }
    let verdict = "rho = " + NumberText.fixed(rho, digits: 3)
    layout.text(verdict, left + 10, top + 20, TextStyle(size: 13, bold: true))
    layout.text("\(shown.count) heads", left + 10, top + 36, TextStyle(paint: .muted))
    let end = Legend.bar(
      .sequential, labels: [(0, "layer 0"), (1, "layer \(layers - 1)")], x: left,
      y: bottom + 48, width: 160, in: &layout)
    return layout.figure(title, bottom: end)
  }
}
