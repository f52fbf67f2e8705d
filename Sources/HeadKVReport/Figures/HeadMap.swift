/// A map of all heads, layers downwards and heads to the right, each cell coloured by its value and
/// saying it.
public struct HeadMap: Sendable, Equatable {
  /// One value for each head: [layers, heads], row-major.
  public enum Content: Sendable, Equatable {
    /// Numbers, printed with `digits` decimals. Colours go from the lower to the upper end of
    /// `range`, by default that of the values. Values that are not finite stay grey.
    case values([Double], range: ClosedRange<Double>? = nil, digits: Int = 2)
    /// Indices into `names`.
    case types([Int], names: [String])
    /// Whole numbers, such as rows.
    case counts([Int])

    fileprivate var count: Int {
      switch self {
      case .values(let values, _, _): values.count
      case .types(let types, _): types.count
      case .counts(let counts): counts.count
      }
    }
  }

  public let title: String
  public let subtitle: String
  public let layers: Int
  public let heads: Int
  public let content: Content

  /// - Throws: ``ReportError`` if a side is outside 1...512, the number of values is not
  ///   `layers * heads`, a type has no name, a range is not finite or there are more than 15
  ///   decimals.
  public init(
    title: String, subtitle: String = "", layers: Int, heads: Int, content: Content
  ) throws(ReportError) {
    guard 1...512 ~= layers, 1...512 ~= heads else {
      throw ReportError("a map of \(layers) layers of \(heads) heads is outside 1...512 a side")
    }
    guard content.count == layers * heads else {
      throw ReportError(
        "a map of \(layers) layers of \(heads) heads takes \(layers * heads) values, not \(content.count)"
      )
    }
    switch content {
    case .values(_, let range, let digits):
      guard 0...15 ~= digits else { throw ReportError("\(digits) decimals are outside 0...15") }
      if let range, !range.lowerBound.isFinite || !range.upperBound.isFinite {
        throw ReportError("the range \(range) of a map is not finite")
      }
    case .types(let types, let names):
      if let type = types.first(where: { !names.indices.contains($0) }) {
        throw ReportError("head type \(type) has no name among \(names.count)")
      }
    case .counts: break
    }
    self.title = title
    self.subtitle = subtitle
    self.layers = layers
    self.heads = heads
    self.content = content
  }

  public var figure: Figure {
    var layout = Layout()
    let faces = faces
    let longest = faces.map { TextWidth.estimate($0.text, size: 9) }.max() ?? 0
    let cell = (width: max(heads > 24 ? 22.0 : 27, (longest + 4).rounded(.up)), height: 20.0)
    let top = layout.heading(title, subtitle) + 24
    let left = Layout.margin + 34
    let right = left + cell.width * Double(heads)
    layout.widen(right)

    let label = TextStyle(size: 10, paint: .muted)
    var (centred, ended) = (label, label)
    centred.anchor = .middle
    ended.anchor = .end
    layout.text("head", left, top - 17, label)
    layout.text("layer", left - 8, top - 4, ended)
    for head in 0..<heads {
      layout.text("\(head)", left + cell.width * (Double(head) + 0.5), top - 4, centred)
    }
    for layer in 0..<layers {
      layout.text("\(layer)", left - 8, top + cell.height * (Double(layer) + 0.5) + 3.5, ended)
    }
    var texts: [Color: [Mark]] = [:]
    for (index, face) in faces.enumerated() {
      let (layer, head) = (index / heads, index % heads)
      let box = Box(
        left + cell.width * Double(head), top + cell.height * Double(layer), cell.width - 1,
        cell.height - 1)
      layout.add(.cell(box, face.paint, note: "layer \(layer), head \(head): \(face.note)"))
      guard !face.text.isEmpty else { continue }
      let ink = face.paint.light.readableInk
      let at = Point(box.x + box.width / 2, box.y + box.height / 2 + 3.25)
      texts[ink, default: []].append(
        .text(
          face.text, at: at, TextStyle(size: 9, paint: .color(ink), anchor: .middle)))
    }
    for (_, marks) in texts.sorted(by: { $0.key.luminance < $1.key.luminance }) {
      for mark in marks { layout.add(mark) }
    }
    let bottom = legend(
      x: left, y: top + cell.height * Double(layers) + 12, right: max(right, left + 260),
      in: &layout)
    return layout.figure(title, bottom: bottom)
  }

  private struct Face {
    var paint: Paint
    var text: String
    var note: String
  }

  private var faces: [Face] {
    switch content {
    case .values(let values, let range, let digits):
      let range = range ?? Self.range(of: values)
      return values.map { value in
        guard value.isFinite else {
          let text = NumberText.short(value)
          return Face(paint: .color(Color(150, 155, 165)), text: text, note: text)
        }
        let color = ColorScale.sequential.color(Self.fraction(value, in: range))
        return Face(
          paint: .color(color), text: NumberText.fixed(value, digits: digits),
          note: NumberText.short(value, digits: digits + 2))
      }
    case .types(let types, let names):
      let letters = Self.letters(names)
      return types.map {
        // The letters' ink suits this colour: it stays the same on dark pages.
        Face(
          paint: .color(Paint.category($0).light), text: letters[$0], note: names[$0])
      }
    case .counts(let counts):
      let values = counts.map(Double.init)
      let range = Self.range(of: values)
      return counts.map { count in
        let color = ColorScale.sequential.color(Self.fraction(Double(count), in: range))
        return Face(paint: .color(color), text: "\(count)", note: "\(count)")
      }
    }
  }

  private func legend(
    x: Double, y: Double, right: Double, in layout: inout Layout
  ) -> Double {
    func bar(_ range: ClosedRange<Double>, _ digits: Int) -> Double {
      let labels = [0, 0.5, 1].map { fraction in
        // Halves before the sum: ends may be as large as doubles go.
        let value = range.lowerBound * (1 - fraction) + range.upperBound * fraction
        return (fraction, NumberText.short(value, digits: digits))
      }
      return Legend.bar(
        .sequential, labels: labels, x: x, y: y, width: min(right - x, 260), in: &layout)
    }
    switch content {
    case .values(let values, let range, let digits):
      return bar(range ?? Self.range(of: values), digits)
    case .counts(let counts):
      return bar(Self.range(of: counts.map(Double.init)), 1)
    case .types(let types, let names):
      let letters = Self.letters(names)
      let entries = names.enumerated().map { index, name in
        let count = types.count { $0 == index }
        let share = NumberText.percent(Double(count) / Double(types.count), digits: 0)
        let letter = letters[index].isEmpty ? "" : letters[index] + " "
        return (Paint.color(Paint.category(index).light), "\(letter)\(name): \(count) (\(share))")
      }
      return Legend.swatches(entries, x: x, y: y, limit: right, in: &layout)
    }
  }

  /// The first letters of the names, if these tell them apart.
  private static func letters(_ names: [String]) -> [String] {
    let letters = names.map { $0.first.map { String($0).uppercased() } ?? "" }
    return Set(letters).count == names.count ? letters : names.map { _ in "" }
  }

  private static func range(of values: [Double]) -> ClosedRange<Double> {
    let finite = values.filter(\.isFinite)
    let (low, high) = (finite.min() ?? 0, finite.max() ?? 0)
    return low < high ? low...high : low...(low + max(1, low.magnitude))
  }

  private static func fraction(_ value: Double, in range: ClosedRange<Double>) -> Double {
    // Halves, as above.
    let span = range.upperBound / 2 - range.lowerBound / 2
    return span > 0 ? (value / 2 - range.lowerBound / 2) / span : 0.5
  }
}
