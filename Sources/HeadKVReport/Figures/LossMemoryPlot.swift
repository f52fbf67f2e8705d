import Foundation

/// The axes of a ``LossMemoryChart``: the share kept falls to the right, the loss rises upwards.
struct LossMemoryPlot {
  let left: Double
  let top: Double
  private let width = 460.0
  private let height = 320.0
  /// Height of the strip for losses below the scale, with the gap above it.
  private let strip: Double
  private let shares: [Double]
  private let low: Double
  private let high: Double

  /// Losses under this part of the largest are below the scale.
  private static let decades = 1e-4
  private static let inset = 18.0

  init(_ points: [LossMemoryChart.Point], left: Double, top: Double) {
    self.left = left
    self.top = top
    shares = Set(points.map(\.share)).sorted(by: >)
    let positive = points.filter { $0.loss > 0 }
    let highest = positive.map { $0.loss + $0.error }.max() ?? 1
    let lowest = max(positive.map(\.loss).min() ?? highest / 100, highest * Self.decades, 1e-12)
    low = Axis.roundDown(lowest * 0.95)
    high = Axis.roundUp(max(highest, 1e-11) * 1.05)
    let low = low
    strip = points.contains { $0.loss < low } ? 34 : 0
  }

  var right: Double { left + width }
  var bottom: Double { top + height + strip }

  func isOnScale(_ point: LossMemoryChart.Point) -> Bool { point.loss >= low }

  func place(_ point: LossMemoryChart.Point) -> Point { Point(x(point.share), y(point.loss)) }

  /// Bar and caps, cut off where the scale ends.
  func errorBar(_ point: LossMemoryChart.Point) -> [[Point]] {
    guard isOnScale(point) else { return [] }
    let x = x(point.share)
    let upper = y(point.loss + point.error)
    let reachesDown = point.loss - point.error >= low
    let lower = reachesDown ? y(point.loss - point.error) : top + height
    let bar = [[Point(x, upper), Point(x, lower)], [Point(x - 4, upper), Point(x + 4, upper)]]
    return reachesDown ? bar + [[Point(x - 4, lower), Point(x + 4, lower)]] : bar
  }

  private func x(_ share: Double) -> Double {
    guard let most = shares.first, let least = shares.last, most > least else {
      return left + width / 2
    }
    return left + Self.inset + (width - 2 * Self.inset) * log(most / share) / log(most / least)
  }

  private func y(_ loss: Double) -> Double {
    guard loss >= low else { return top + height + strip - 12 }
    return top + height * log(high / loss) / log(high / low)
  }

  func drawAxes(in layout: inout Layout) {
    let label = TextStyle(size: 11, paint: .muted, anchor: .end)
    var centred = label
    centred.anchor = .middle
    layout.add(.boxes([Box(left, top, width, height)], .panel, opacity: 1))
    if strip > 0 {
      layout.add(.boxes([Box(left, bottom - 24, width, 24)], .panel, opacity: 1))
      layout.text("< " + Axis.label(low), left - 8, bottom - 8, label)
    }

    let ticks = Axis.logarithmic(low, high)
    layout.add(
      .lines(ticks.map { [Point(left, y($0)), Point(right, y($0))] }, Stroke(.rule, width: 1)))
    for tick in ticks { layout.text(Axis.label(tick), left - 8, y(tick) + 4, label) }

    var lines: [[Point]] = []
    var free = -Double.infinity
    for share in shares {
      let x = x(share)
      lines.append([Point(x, top), Point(x, top + height)])
      let text = NumberText.fraction(share)
      let half = TextWidth.estimate(text, size: 11) / 2
      guard x - half > free else { continue }
      layout.text(text, x, bottom + 17, centred)
      free = x + half + 8
    }
    layout.add(.lines(lines, Stroke(.rule, width: 1)))
    layout.text(
      "extra loss, nats a token", Layout.margin, top - 10, TextStyle(size: 11.5, paint: .ink))
    layout.text(
      "share of the cache kept", right, bottom + 36,
      TextStyle(size: 11.5, paint: .ink, anchor: .end))
    layout.widen(right)
  }
}
