/// What the cache holds after each step: an area for the run, a dashed line for the budget, a band
/// for the profiling phase.
public struct RowTimeline: Sendable, Equatable {
  /// A value to compare with, such as the budget or the cap.
  public struct Level: Sendable, Equatable {
    public var name: String
    public var value: Double

    public init(name: String, value: Double) {
      self.name = name
      self.value = value
    }
  }

  public let title: String
  public let subtitle: String
  /// What the values count, such as `rows` or `MiB`.
  public let unit: String
  /// After step 0, 1, ...
  public let held: [Double]
  /// What the full cache would hold after the same steps; may be empty.
  public let full: [Double]
  /// Steps in which heads were profiled, from the first.
  public let profilingSteps: Int
  public let levels: [Level]

  /// - Throws: ``ReportError`` if there are no steps or more than 2^20, `full` has another number, a
  ///   value is negative or not finite, or there are more profiling steps than steps.
  public init(
    title: String, subtitle: String = "", unit: String = "rows", held: [Double],
    full: [Double] = [], profilingSteps: Int = 0, levels: [Level] = []
  ) throws(ReportError) {
    guard 1...(1 << 20) ~= held.count else {
      throw ReportError("a timeline of \(held.count) steps, not 1...\(1 << 20)")
    }
    guard full.isEmpty || full.count == held.count else {
      throw ReportError("\(full.count) steps of the full cache, \(held.count) of the run")
    }
    for value in held + full + levels.map(\.value) where !(0...1e15 ~= value) {
      throw ReportError("\(value) in a timeline is outside 0...1e15")
    }
    guard 0...held.count ~= profilingSteps else {
      throw ReportError("\(profilingSteps) profiling steps of \(held.count)")
    }
    self.title = title
    self.subtitle = subtitle
    self.unit = unit
    self.held = held
    self.full = full
    self.profilingSteps = profilingSteps
    self.levels = levels
  }

  private static let width = 460.0
  private static let height = 200.0

  public var figure: Figure {
    var layout = Layout()
    let top = layout.heading(title, subtitle) + 20
    let left = Layout.margin + 52
    let (right, bottom) = (left + Self.width, top + Self.height)
    let peak = (held + full + levels.map(\.value)).max() ?? 0
    let ticks = Axis.linear(0, max(peak, 1e-9), count: 5)
    let highest = ticks.last ?? 1
    func y(_ value: Double) -> Double { bottom - Self.height * value / highest }
    func x(_ step: Int) -> Double { left + Self.width * Double(step) / Double(held.count) }

    layout.add(.boxes([Box(left, top, Self.width, Self.height)], .panel, opacity: 1))
    layout.add(
      .lines(ticks.map { [Point(left, y($0)), Point(right, y($0))] }, Stroke(.rule)))
    let label = TextStyle(size: 11, paint: .muted, anchor: .end)
    for tick in ticks { layout.text(Axis.label(tick), left - 8, y(tick) + 4, label) }
    layout.text(unit, Layout.margin, top - 10, TextStyle(size: 11.5))

    if profilingSteps > 0 {
      let band = Box(left, top, x(profilingSteps) - left, Self.height)
      layout.add(.boxes([band], .category(1), opacity: 0.22))
    }
    let columns = Self.columns(held)
    layout.add(
      .boxes(Self.bars(columns, left: left, bottom: bottom, y), .category(0), opacity: 0.8))
    if !full.isEmpty {
      let line = Self.columns(full).enumerated().map { index, value in
        Point(left + Self.width * (Double(index) + 0.5) / Double(columns.count), y(value))
      }
      layout.add(.lines([line], Stroke(.muted, width: 1.5)))
    }
    drawLevels(left: left, right: right, y, in: &layout)
    drawSteps(left: left, right: right, bottom: bottom, in: &layout)

    var entries: [(Paint, String)] = [(.category(0), "held, peak \(Axis.label(held.max() ?? 0))")]
    if !full.isEmpty { entries.append((.muted, "full cache")) }
    if profilingSteps > 0 {
      let steps = profilingSteps == 1 ? "1 step" : "\(profilingSteps) steps"
      entries.append((.category(1), "profiling, \(steps)"))
    }
    let end = Legend.swatches(entries, x: left, y: bottom + 34, limit: right - 40, in: &layout)
    layout.widen(right)
    return layout.figure(title, bottom: end)
  }

  /// Names of levels stand on the right, the lower ones giving way downwards.
  private func drawLevels(
    left: Double, right: Double, _ y: (Double) -> Double, in layout: inout Layout
  ) {
    var free = -Double.infinity
    for level in levels.sorted(by: { $0.value > $1.value }) {
      let at = y(level.value)
      layout.add(
        .lines([[Point(left, at), Point(right, at)]], Stroke(.ink, width: 1.5, dash: 5)))
      let text = max(at, free)
      let name = "\(level.name) \(Axis.label(level.value))"
      layout.text(name, right + 8, text + 4)
      layout.widen(right + 8 + TextWidth.estimate(name, size: 11))
      free = text + 14
    }
  }

  private func drawSteps(left: Double, right: Double, bottom: Double, in layout: inout Layout) {
    let last = Double(held.count)
    let style = TextStyle(size: 11, paint: .muted, anchor: .middle)
    for tick in Axis.linear(0, last, count: 6) where tick <= last && tick == tick.rounded() {
      layout.text(Axis.label(tick), left + Self.width * tick / last, bottom + 16, style)
    }
    layout.text("step", right, bottom + 32, TextStyle(size: 11.5, anchor: .end))
  }

  /// At most one value a pixel: the largest of those that fall on it, so that no peak is lost.
  private static func columns(_ values: [Double]) -> [Double] {
    let columns = Int(width)
    guard values.count > columns else { return values }
    return (0..<columns).map { column in
      let from = column * values.count / columns
      let to = max((column + 1) * values.count / columns, from + 1)
      return values[from..<to].max() ?? 0
    }
  }

  /// Neighbours of equal height are one bar.
  private static func bars(
    _ columns: [Double], left: Double, bottom: Double, _ y: (Double) -> Double
  ) -> [Box] {
    var bars: [Box] = []
    let step = width / Double(columns.count)
    var start = 0
    while start < columns.count {
      var end = start + 1
      while end < columns.count, columns[end] == columns[start] { end += 1 }
      let top = y(columns[start])
      bars.append(
        Box(left + step * Double(start), top, step * Double(end - start), bottom - top))
      start = end
    }
    return bars
  }
}
