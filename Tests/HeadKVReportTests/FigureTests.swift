import Foundation
import HeadKVImage
import HeadKVReport
import Testing

@Suite struct FigureTests {
  @Test func everyFigureIsWellFormedAndTheSameTwice() throws {
    let again = try Samples.figures()
    for (index, sample) in try Samples.figures().enumerated() {
      let svg = sample.figure.svg()
      let found = try #require(WellFormed(svg), "\(sample.name)")
      #expect(found.elements["svg"] == 1)
      #expect(svg == again[index].figure.svg(), "\(sample.name)")
      #expect(!svg.contains("nan") && !svg.contains("inf"), "\(sample.name)")
    }
  }

  @Test func pixelsMatchSizeAndAreTheSameTwice() throws {
    for sample in try Samples.figures() where sample.figure.width < 700 {
      let image = try sample.figure.image(scale: 1)
      #expect(image.width == Int(sample.figure.width), "\(sample.name)")
      #expect(image.height == Int(sample.figure.height), "\(sample.name)")
      #expect(try image == sample.figure.image(scale: 1), "\(sample.name)")
    }
    let figure = try Samples.keptRows(16).figure
    let image = try figure.image()
    #expect(image.width == 2 * Int(figure.width))
    // The corner is paper.
    #expect(image.pixels.prefix(3) == [255, 255, 255])
  }

  @Test func everythingLiesWithinTheFigure() throws {
    for (name, figure) in try Samples.figures() {
      for mark in figure.marks {
        for point in corners(mark) {
          #expect(0...figure.width ~= point.x && 0...figure.height ~= point.y, "\(name): \(mark)")
        }
      }
    }
  }

  private func corners(_ mark: Mark) -> [Point] {
    func corners(_ box: Box) -> [Point] {
      [Point(box.x, box.y), Point(box.x + box.width, box.y + box.height)]
    }
    return switch mark {
    case .boxes(let boxes, _, _): boxes.flatMap(corners)
    case .cell(let box, _, _): corners(box)
    case .lines(let lines, _): lines.flatMap { $0 }
    case .polygon(let points, _, _, _): points
    case .disc(let center, _, _, _, _): [center]
    case .text(let text, let at, let style): ends(text, at, style)
    }
  }

  private func ends(_ text: String, _ at: Point, _ style: TextStyle) -> [Point] {
    let width = TextWidth.estimate(text, size: style.size, bold: style.bold)
    let left =
      switch style.anchor {
      case .start: at.x
      case .middle: at.x - width / 2
      case .end: at.x - width
      }
    return [Point(left, at.y - style.size), Point(left + width, at.y)]
  }

  @Test func everyCellSaysItsValue() throws {
    let map = try HeadMap(
      title: "m", layers: 2, heads: 3, content: .values([0, 0.25, 1, .nan, .infinity, -1]))
    let svg = map.figure.svg()
    let found = try #require(WellFormed(svg))
    #expect(found.elements["rect"] == 6)
    for note in [
      "layer 0, head 1: 0.25", "layer 1, head 0: –", "layer 1, head 1: ∞", "layer 1, head 2: -1",
    ] { #expect(svg.contains(note)) }
  }

  @Test func typesAreCounted() throws {
    let map = try HeadMap(
      title: "m", layers: 1, heads: 4, content: .types([0, 1, 1, 1], names: ["local", "global"]))
    let text = try #require(WellFormed(map.figure.svg())).text
    #expect(text.contains("L local: 1 (25 %)"))
    #expect(text.contains("G global: 3 (75 %)"))
  }

  @Test func textsAreEscaped() throws {
    let nasty = "<b a=\"1\">&'\u{1}]]>"
    let figures = [
      try HeadMap(
        title: nasty, subtitle: nasty, layers: 1, heads: 1, content: .types([0], names: [nasty])
      ).figure,
      try OffsetMap(title: nasty, lines: 1, columns: 1, heads: [.init(name: nasty, mass: [1])])
        .figure,
      try KeptRows(
        title: nasty, width: 1, height: 1, moments: [nasty],
        heads: [.init(name: nasty, note: nasty, moments: [.init(cells: 1, step: 1, rows: [])])]
      ).figure,
      try LossMemoryChart(
        title: nasty, series: [.init(name: nasty, points: [.init(share: 1, loss: 0)])]
      ).figure,
      try RowTimeline(title: nasty, unit: nasty, held: [0], levels: [.init(name: nasty, value: 0)])
        .figure,
      try RankAgreement(
        title: nasty, earlyName: nasty, lateName: nasty, layers: 1, heads: 1, early: [1],
        late: [.nan]
      ).figure,
    ]
    for figure in figures {
      let svg = figure.svg()
      let found = try #require(WellFormed(svg), "\(svg)")
      #expect(found.elements["b"] == nil)
      #expect(found.text.contains("<b a=\"1\">&'\u{FFFD}]]>"))
      #expect(try figure.image(scale: 1).width > 0)
    }
  }

  @Test func badSizesThrow() {
    #expect(throws: ReportError.self) {
      try HeadMap(title: "", layers: 2, heads: 2, content: .counts([1, 2, 3]))
    }
    #expect(throws: ReportError.self) {
      try HeadMap(title: "", layers: 0, heads: 2, content: .counts([]))
    }
    #expect(throws: ReportError.self) {
      try HeadMap(title: "", layers: 1, heads: 1, content: .types([1], names: ["a"]))
    }
    #expect(throws: ReportError.self) {
      try HeadMap(title: "", layers: 1, heads: 1, content: .values([1], digits: 16))
    }
    #expect(throws: ReportError.self) {
      try OffsetMap(title: "", lines: 1, columns: 2, heads: [.init(name: "", mass: [0, 0])])
    }
    #expect(throws: ReportError.self) {
      try OffsetMap(title: "", lines: 1, columns: 1, heads: [.init(name: "", mass: [])])
    }
    #expect(throws: ReportError.self) {
      try KeptRows(
        title: "", width: 2, height: 2, moments: ["a"], heads: [.init(name: "", moments: [])])
    }
    #expect(throws: ReportError.self) {
      try KeptRows(
        title: "", width: 1, height: 1, moments: ["a"],
        heads: [.init(name: "", moments: [.init(counts: [.max], drawn: [true], current: 0)])])
    }
    for point in [
      (0.0, 1.0, 0.0), (1.5, 1, 0), (0.5, .nan, 0), (0.5, 1, -1), (.nan, 1, 0), (0.5, 1, .infinity),
    ] {
      #expect(throws: ReportError.self) {
        try LossMemoryChart(
          title: "",
          series: [.init(name: "a", points: [.init(share: point.0, loss: point.1, error: point.2)])]
        )
      }
    }
    #expect(throws: ReportError.self) { try RowTimeline(title: "", held: []) }
    #expect(throws: ReportError.self) { try RowTimeline(title: "", held: [1], full: [1, 2]) }
    #expect(throws: ReportError.self) { try RowTimeline(title: "", held: [-1]) }
    #expect(throws: ReportError.self) { try RowTimeline(title: "", held: [1], profilingSteps: 2) }
    #expect(throws: ReportError.self) {
      try RankAgreement(title: "", layers: 1, heads: 2, early: [1], late: [1, 2])
    }
    #expect(throws: ReportError.self) { try TokenDifference(width: 2, height: 1, [1], [1, 2]) }
  }

  /// Values at the edge of what is allowed are drawn, not trapped on.
  @Test func extremeValuesAreDrawn() throws {
    let big = Double.greatestFiniteMagnitude
    var figures = [
      try HeadMap(title: "", layers: 1, heads: 3, content: .values([-big, 0, big])).figure,
      try HeadMap(title: "", layers: 1, heads: 2, content: .values([big, big])).figure,
      try HeadMap(title: "", layers: 1, heads: 2, content: .values([.nan, .nan])).figure,
      try HeadMap(title: "", layers: 1, heads: 2, content: .counts([.min, .max])).figure,
      try OffsetMap(title: "", lines: 1, columns: 1, heads: [.init(name: "", mass: [-big])]).figure,
      try RowTimeline(title: "", held: [0, 0]).figure,
      try RowTimeline(title: "", held: [1e15, 0]).figure,
      try RankAgreement(title: "", layers: 1, heads: 2, early: [.nan, 0], late: [1, .nan]).figure,
      try RankAgreement(title: "", layers: 1, heads: 2, early: [1e15, 1e15], late: [1e15, 1e15])
        .figure,
      try RankAgreement(title: "", layers: 1, heads: 2, early: [-1e15, 1e-15], late: [1e15, 0])
        .figure,
    ]
    for losses in [[0.0, 0], [-1, -2], [1e9, 1e-300], [1e-300, 1e-300], [1, 1], [1e-9, -1e9]] {
      figures.append(
        try LossMemoryChart(
          title: "",
          series: [
            .init(name: "a", points: losses.map { .init(share: 1e-6, loss: $0, error: 1e9) })
          ]
        ).figure)
    }
    for figure in figures {
      let found = try #require(WellFormed(figure.svg()))
      #expect(found.elements["svg"] == 1)
      #expect(try figure.image(scale: 1).height > 0)
    }
  }

  @Test func tooLargePixelsThrow() throws {
    let figure = try HeadMap(
      title: "", layers: 512, heads: 512, content: .counts([Int](repeating: 1, count: 512 * 512))
    ).figure
    #expect(throws: ImageError.self) { try figure.image() }
    #expect(throws: ImageError.self) { try Samples.timeline().figure.image(scale: .max) }
  }

  @Test func lossesBelowTheScaleStandInTheStrip() throws {
    func strip(_ losses: [Double]) throws -> String {
      let points = losses.enumerated().map {
        LossMemoryChart.Point(share: 1 / Double($0 + 1), loss: $1)
      }
      let chart = try LossMemoryChart(title: "", series: [.init(name: "a", points: points)])
      return try #require(WellFormed(chart.figure.svg())).text
    }
    #expect(try !strip([0.1, 0.2]).contains("<"))
    #expect(try strip([0, 0.01, 0.2]).contains("< 0.005"))
    #expect(try strip([1e-9, 1]).contains("<"))
  }

  @Test func momentsCountRows() {
    let moment = KeptRows.Moment(
      cells: 4, step: 9, rows: [(cell: -1, count: 1), (0, 3), (3, 0), (7, 1)])
    #expect(moment.counts == [3, 0, 0, 1])
    #expect(moment.prefixRows == 2)
    #expect(moment.liveRows == 4)
    #expect(moment.current == 3)
  }

  @Test func filesAreWritten() throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let figure = try Samples.timeline().figure
    let (png, svg) = (folder.appending(path: "a.PNG").path, folder.appending(path: "a.svg").path)
    try figure.write(to: png)
    try figure.write(to: svg)
    #expect(try PNG.read(png) == figure.image())
    #expect(try String(contentsOfFile: svg, encoding: .utf8) == figure.svg())
    #expect(throws: ReportError.self) { try figure.write(to: folder.path + "/no/a.svg") }
    #expect(throws: ReportError.self) { try figure.write(to: folder.path + "/no/a.png") }
  }

  /// With HEADKV_REPORT_SAMPLES naming a folder, the samples are written there to be looked at.
  @Test(.enabled(if: ProcessInfo.processInfo.environment["HEADKV_REPORT_SAMPLES"] != nil))
  func samplesAreWritten() throws {
    let folder = ProcessInfo.processInfo.environment["HEADKV_REPORT_SAMPLES"] ?? "."
    for sample in try Samples.figures() {
      try sample.figure.write(to: "\(folder)/\(sample.name).svg")
      try sample.figure.write(to: "\(folder)/\(sample.name).png")
    }
    try Samples.report().page().write(to: folder + "/report.html")
    try Samples.report(layers: 48, heads: 40, side: 32).page().write(to: folder + "/large.html")
    #expect(FileManager.default.fileExists(atPath: folder + "/large.html"))
  }
}
