import Foundation

/// What policies lose against the full cache as they keep less of it, both axes logarithmic. Losses
/// that such an axis cannot show stand as hollow marks in a strip of their own below it.
public struct LossMemoryChart: Sendable, Equatable {
  public struct Point: Sendable, Equatable {
    /// Share of the cache that is kept, above 0 and at most 1.
    public var share: Double
    /// Loss above the full cache's, in nats a token; may be negative.
    public var loss: Double
    /// Its standard error; 0 draws no bar.
    public var error: Double

    public init(share: Double, loss: Double, error: Double = 0) {
      self.share = share
      self.loss = loss
      self.error = error
    }
  }

  public struct Series: Sendable, Equatable {
    public var name: String
    public var points: [Point]
    /// Drawn with a heavier line and a bold name.
    public var isEmphasised: Bool

    public init(name: String, points: [Point], isEmphasised: Bool = false) {
      self.name = name
      self.points = points
      self.isEmphasised = isEmphasised
    }
  }

  public let title: String
  public let subtitle: String
  public let series: [Series]

  /// - Throws: ``ReportError`` if there are no series or more than 64, a series has no points or more
  ///   than 1024, a share is outside 0...1, a loss is not finite or an error negative or not finite.
  public init(title: String, subtitle: String = "", series: [Series]) throws(ReportError) {
    guard 1...64 ~= series.count else {
      throw ReportError("a chart of \(series.count) policies, not 1...64")
    }
    for one in series {
      guard 1...1024 ~= one.points.count else {
        throw ReportError("\(one.name): \(one.points.count) points, not 1...1024")
      }
      for point in one.points {
        guard point.share >= 1e-6, point.share <= 1 else {
          throw ReportError("\(one.name): share \(point.share) of the cache is outside 1e-6...1")
        }
        guard point.loss.magnitude <= 1e9, 0...1e9 ~= point.error else {
          throw ReportError(
            "\(one.name): loss \(point.loss) ± \(point.error) cannot be drawn: not finite, or above 1e9"
          )
        }
      }
    }
    self.title = title
    self.subtitle = subtitle
    self.series = series
  }

  public var figure: Figure {
    var layout = Layout()
    let top = layout.heading(title, subtitle) + 20
    let plot = LossMemoryPlot(series.flatMap(\.points), left: Layout.margin + 54, top: top)
    plot.drawAxes(in: &layout)
    // The emphasised lines lie above the others.
    let order = series.indices.sorted {
      (series[$0].isEmphasised ? 1 : 0, $0) < (series[$1].isEmphasised ? 1 : 0, $1)
    }
    for index in order { draw(index, on: plot, in: &layout) }
    drawNames(on: plot, in: &layout)
    return layout.figure(title, bottom: plot.bottom + 36)
  }

  /// The first emphasised policy stands out in colour as well.
  private func paint(_ index: Int) -> Paint {
    index == series.firstIndex(where: \.isEmphasised) ? .accent : .category(index)
  }

  /// From much of the cache to little.
  private func sorted(_ index: Int) -> [Point] {
    series[index].points.sorted { $0.share > $1.share }
  }

  private func draw(_ index: Int, on plot: LossMemoryPlot, in layout: inout Layout) {
    let (paint, points) = (paint(index), sorted(index))
    let width = series[index].isEmphasised ? 3.0 : 1.6
    layout.add(.lines([points.map(plot.place)], Stroke(paint, width: width)))
    let bars = points.filter { $0.error > 0 }.flatMap(plot.errorBar)
    if !bars.isEmpty { layout.add(.lines(bars, Stroke(paint, width: 1.2))) }
    for point in points {
      let error = point.error > 0 ? " ± " + NumberText.short(point.error, digits: 4) : ""
      layout.add(
        Marker.mark(
          index, at: plot.place(point), paint: paint, hollow: !plot.isOnScale(point),
          note:
            "\(series[index].name) at \(NumberText.fraction(point.share)): \(NumberText.signed(point.loss, digits: 4))\(error)"
        ))
    }
  }

  /// Each name beside the end of its line, in a column on the right, none above another.
  private func drawNames(on plot: LossMemoryPlot, in layout: inout Layout) {
    let ends = series.indices.compactMap { index in
      sorted(index).last.map { (index: index, at: plot.place($0)) }
    }.sorted { ($0.at.y, $0.index) < ($1.at.y, $1.index) }
    let spacing = 16.0
    // Runs of names that touch each other are centred on their ends together.
    var runs: [(first: Int, count: Int, middle: Double)] = []
    for (rank, end) in ends.enumerated() {
      var run = (first: rank, count: 1, middle: end.at.y)
      while let last = runs.last,
        run.middle - last.middle < spacing * Double(run.count + last.count) / 2
      {
        runs.removeLast()
        let count = run.count + last.count
        let middle =
          (run.middle * Double(run.count) + last.middle * Double(last.count)) / Double(count)
        run = (last.first, count, middle)
      }
      runs.append(run)
    }
    let x = plot.right + 26
    for run in runs {
      let half = spacing * Double(run.count - 1) / 2
      let middle = min(max(run.middle, plot.top + half), max(plot.bottom - half, plot.top + half))
      for offset in 0..<run.count {
        let end = ends[run.first + offset]
        let y = middle - half + spacing * Double(offset)
        let (paint, bold) = (paint(end.index), series[end.index].isEmphasised)
        let name = series[end.index].name
        let from = HeadKVReport.Point(end.at.x + 7, end.at.y)
        layout.add(
          .lines(
            [[from, HeadKVReport.Point(x - 12, y), HeadKVReport.Point(x - 4, y)]],
            Stroke(.muted, width: 0.7, dash: 2)))
        layout.text(name, x, y + 4, TextStyle(size: 12, paint: paint, bold: bold))
        layout.widen(x + TextWidth.estimate(name, size: 12, bold: bold))
      }
    }
  }
}
