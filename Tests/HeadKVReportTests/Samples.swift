import Foundation
import HeadKVImage
import HeadKVReport

/// Made-up inputs of every figure, the same each time: how callers fill them.
enum Samples {
  /// Numbers 0..<1 from a linear congruential generator.
  struct Noise {
    private var state: UInt64

    init(_ seed: UInt64) { state = seed &* 2_862_933_555_777_941_757 &+ 3_037_000_493 }

    mutating func next() -> Double {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Double(state >> 11) / 9_007_199_254_740_992
    }
  }

  static func entropies(_ layers: Int, _ heads: Int, seed: UInt64 = 1) -> [Double] {
    var noise = Noise(seed)
    return (0..<(layers * heads)).map { index in
      let depth = Double(index / heads) / Double(layers)
      let x = noise.next()
      return min(max(depth < 0.25 ? 0.85 + 0.14 * x : x * x, 0.01), 0.99)
    }
  }

  static func headMaps(_ layers: Int, _ heads: Int) throws -> [HeadMap] {
    let entropies = entropies(layers, heads)
    func map(_ title: String, _ subtitle: String, _ content: HeadMap.Content) throws -> HeadMap {
      try HeadMap(
        title: title, subtitle: subtitle, layers: layers, heads: heads, content: content)
    }
    return [
      try map(
        "Entropy", "of attention, share of the largest possible",
        .values(entropies, range: 0...1)),
      try map(
        "Reach", "newest rows that hold 90 % of the mass",
        .counts(entropies.map { Int(1 + 250 * $0) })),
      try map(
        "Type", "", .types(entropies.map { $0 < 0.3 ? 0 : 1 }, names: ["local", "global"])),
      try map("Budget", "rows", .counts(entropies.map { $0 < 0.3 ? 22 : 58 + Int(6 * $0) })),
    ]
  }

  static func offsetMap(lines: Int = 4, columns: Int = 17, heads: Int = 6) throws -> OffsetMap {
    try OffsetMap(
      title: "Where heads look", subtitle: "mean share of attention by offset, logarithmic",
      lines: lines, columns: columns,
      heads: (0..<heads).map { head in
        var noise = Noise(UInt64(head))
        let target = (line: lines - 1 - head % 3, column: columns / 2 - (head % 3 == 0 ? 1 : 0))
        var mass = (0..<(lines * columns)).map { index in
          let (line, column) = (index / columns, index % columns)
          if line == lines - 1, column > columns / 2 { return Double.nan }
          if line == target.line, column == target.column { return 40.0 }
          let near = Double((line - target.line).magnitude + (column - target.column).magnitude)
          return noise.next() * exp(-near / 2)
        }
        let total = mass.filter(\.isFinite).reduce(0, +)
        for index in mass.indices { mass[index] /= total }
        return OffsetMap.Head(name: "layer \(head / 2 + 3), head \(head)", mass: mass)
      })
  }

  static func keptRows(_ side: Int, heads: Int = 4, budget: Int = 43) throws -> KeptRows {
    let cells = side * side
    let steps = [side * 2 + side / 2, cells / 3, 2 * cells / 3, cells]
    return try KeptRows(
      title: "Rows kept while drawing",
      subtitle: "shade: how many tokens a row stands for", width: side, height: side,
      moments: steps.map { "token \($0)" },
      heads: (0..<heads).map { head in
        let moments = steps.map { step in
          var rows = [(cell: -1, count: 1)]
          let window = min(step, head % 2 == 0 ? budget - 1 : budget * 3 / 4)
          for cell in (step - window)..<step { rows.append((cell, 1)) }
          let old = step - window
          let survivors = min(old, budget - 1 - window)
          for index in 0..<survivors {
            let cell = index * old / survivors
            rows.append((cell, (index + 1) * old / survivors - cell))
          }
          return KeptRows.Moment(cells: cells, step: step, rows: rows)
        }
        let note = head % 2 == 0 ? "local, \(budget) rows" : "global, \(budget) rows, merging"
        return KeptRows.Head(name: "layer \(head), head \(2 * head)", note: note, moments: moments)
      })
  }

  static func chart() throws -> LossMemoryChart {
    let shares = [1.0 / 2, 1.0 / 4, 1.0 / 6, 1.0 / 10, 1.0 / 16]
    let losses: [(String, [Double])] = [
      ("window", [0.012, 0.041, 0.0568, 0.1194, 0.31]),
      ("h2o", [0.009, 0.038, 0.0948, 1.7644, 2.4]),
      ("snapkv", [0.011, 0.036, 0.071, 0.152, 0.41]),
      ("line", [0.010, 0.035, 0.065, 0.093, 0.29]),
      ("headkv", [0.014, 0.045, 0.062, 0.131, 0.35]),
      ("merge", [0.0011, 0.0042, 0.0089, 0.0652, 1.56]),
      ("auto", [-0.0004, 0.0019, 0.0061, 0.0165, 0.11]),
    ]
    return try LossMemoryChart(
      title: "Loss against memory",
      subtitle: "bundled model, 64 held-out pictures, equal live rows",
      series: losses.map { name, values in
        LossMemoryChart.Series(
          name: name,
          points: zip(shares, values).map {
            .init(share: $0, loss: $1, error: 0.0006 + 0.04 * $1.magnitude)
          }, isEmphasised: name == "auto")
      })
  }

  static func timeline(steps: Int = 256, heads: Int = 36, profiling: Int = 40) throws -> RowTimeline
  {
    let full = (0..<steps).map { Double(heads * ($0 + 1)) }
    let budget = Double(43 * heads)
    return try RowTimeline(
      title: "Live rows of all heads",
      held: full.enumerated().map { step, rows in
        step < profiling ? rows : min(rows, budget)
      }, full: full, profilingSteps: profiling,
      levels: [
        .init(name: "budget", value: budget), .init(name: "cap", value: budget + Double(heads)),
      ])
  }

  static func agreement(_ layers: Int, _ heads: Int) throws -> RankAgreement {
    let early = entropies(layers, heads)
    var noise = Noise(9)
    return try RankAgreement(
      title: "Entropy early and late", earlyName: "rows 2 and 3", lateName: "second half",
      layers: layers, heads: heads, early: early,
      late: early.map { min(max($0 + 0.08 * (noise.next() - 0.5), 0), 1) })
  }

  static func picture(_ seed: UInt64, side: Int = 32) throws -> RGBImage {
    var pixels: [UInt8] = []
    for y in 0..<side {
      for x in 0..<side {
        let level = 4 * (x + 2 * y) + Int(seed) * 20
        pixels += [UInt8(level % 256), UInt8((level * 3 / 2) % 256), UInt8(255 - level % 256)]
      }
    }
    return try RGBImage(width: side, height: side, pixels: pixels)
  }

  static func report(layers: Int = 12, heads: Int = 12, side: Int = 24) throws -> RunReport {
    let tokens = (0..<Int32(side * side)).map { $0 % 512 }
    let others = tokens.enumerated().map { $0 > 80 && $0 % 3 == 0 ? $1 + 1 : $1 }
    var report = RunReport(
      title: "HeadKV run <1/6 & \"auto\">", subtitle: "class 8 (ship), seed 7")
    report.settings = [
      ("model", "LlamaGen-B <c2i>"), ("policy", "auto"), ("budget", "1/6"), ("seed", "7"),
      ("cfg-scale", "2.5"), ("top-k", "200"), ("threads", "2"), ("grid", "\(side) x \(side)"),
    ]
    report.cost = .init(
      bytesAsked: 430_000, bytesHeld: 428_544, bytesFull: 2_506_752, rowsProfiling: 1440,
      rowsAfter: 1548, rowsFull: 9216)
    report.pairs = [
      .init(
        name: "ship", full: try picture(1), compressed: try picture(2), fullTokens: tokens,
        compressedTokens: others, gridWidth: side)
    ]
    report.headMaps = try headMaps(layers, heads)
    report.offsetMaps = [try offsetMap()]
    report.keptRows = [try keptRows(side, budget: 96)]
    report.timelines = [try timeline(steps: side * side, heads: layers * heads, profiling: 60)]
    report.agreements = [try agreement(layers, heads)]
    report.charts = [try chart()]
    report.chartTable = (
      ["policy", "budget", "loss", "more than full"],
      [
        ["window", "1/6", "3.3775", "+0.0568 ± 0.0021"],
        ["auto", "1/6", "3.3268", "+0.0061 ± 0.0011"],
      ]
    )
    return report
  }

  /// Every figure by name.
  static func figures() throws -> [(name: String, figure: Figure)] {
    var figures: [(String, Figure)] = []
    for (layers, heads) in [(6, 6), (12, 12), (36, 20), (48, 40)] {
      for map in try headMaps(layers, heads) {
        figures.append(("map-\(map.title.lowercased())-\(layers)x\(heads)", map.figure))
      }
      figures.append(("agreement-\(layers)x\(heads)", try agreement(layers, heads).figure))
    }
    for (side, budget) in [(16, 43), (24, 96), (32, 171)] {
      figures.append(("kept-\(side)", try keptRows(side, budget: budget).figure))
    }
    figures.append(("offsets", try offsetMap().figure))
    figures.append(("offset", try offsetMap(lines: 4, columns: 9, heads: 1).figure))
    figures.append(("offsets-wide", try offsetMap(lines: 3, columns: 47, heads: 3).figure))
    figures.append(("chart", try chart().figure))
    figures.append(("timeline", try timeline().figure))
    figures.append(("timeline-long", try timeline(steps: 2304, heads: 144, profiling: 144).figure))
    figures.append(
      (
        "difference",
        try TokenDifference(
          width: 16, height: 16, (0..<256).map { Int32($0) }, (0..<256).map { Int32($0 & ~4) }
        ).figure
      ))
    return figures
  }
}
