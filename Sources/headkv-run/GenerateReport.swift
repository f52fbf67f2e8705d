import Foundation
import HeadKV
import HeadKVReport

/// The page of a run: what was drawn, what the cache held, what compression changed.
struct GenerateReport {
  let settings: String
  let shape: SequenceShape
  let policy: CachePolicy
  let report: GenerationReport
  let recorder: RunRecorder
  /// Pictures and tokens drawn as asked, and with the full cache and the same seeds.
  let drawn: [(picture: RGBImage, tokens: [Int32])]
  let full: [(picture: RGBImage, tokens: [Int32])]

  /// Draws the same pictures with the full cache and writes the page.
  ///
  /// - Parameter run: draws with a generator.
  static func write(
    to path: String, figures: String?, drawn: GenerationResult, recorder: RunRecorder,
    generator: Generator, model: ImageModel, requests: [PictureRequest],
    run: (Generator, [PictureRequest]) throws -> GenerationResult
  ) throws {
    let options = generator.options
    let full = try run(Generator(model: model, options: options.withFullCache()), requests)
    func pictures(_ result: GenerationResult) throws -> [(picture: RGBImage, tokens: [Int32])] {
      let tokens = result.images.map(\.tokens)
      return Array(zip(try model.images(tokens: tokens, threads: options.threads), tokens))
    }
    try GenerateReport(
      settings: options.summary, shape: generator.policy.shape, policy: generator.policy,
      report: drawn.report, recorder: recorder, drawn: pictures(drawn), full: pictures(full)
    ).write(to: path, figures: figures)
  }

  /// Writes the page, and each figure as PNG and SVG to `folder` if one is given.
  func write(to path: String, figures folder: String?) throws {
    var page = RunReport(title: "Drawn with \(policy.name)", subtitle: settings)
    page.settings = settings.components(separatedBy: ", ").map { text in
      let parts = text.split(separator: " ", maxSplits: 1)
      return (name: String(parts[0]), value: parts.count > 1 ? String(parts[1]) : "")
    }
    page.cost = RunReport.Cost(
      bytesAsked: report.cacheBytesPlanned, bytesHeld: report.cacheBytesPeak,
      bytesFull: report.cacheBytesFull,
      rowsProfiling: report.profilingRowsPeak > 0 ? report.profilingRowsPeak : nil,
      rowsAfter: report.steadyRowsPeak, rowsFull: shape.fullRows * shape.allHeads)
    page.pairs = zip(full, drawn).enumerated().map { index, pair in
      RunReport.Pair(
        name: "picture \(index + 1)", full: pair.0.picture, compressed: pair.1.picture,
        fullTokens: pair.0.tokens, compressedTokens: pair.1.tokens, gridWidth: shape.grid.width)
    }
    let state = recorder.result
    page.headMaps = try headMaps(state)
    page.keptRows = state.kept.isEmpty ? [] : [try keptRows(state)]
    page.timelines = [
      try RowTimeline(
        title: "Live rows", subtitle: "first picture, all heads", held: state.liveRows,
        full: state.liveRows.indices.map {
          Double(min($0 + 1, shape.fullRows) * shape.allHeads)
        }, profilingSteps: state.profilingSteps,
        levels: [.init(name: "budget", value: Double(policy.memory.steadyRows))])
    ]
    try page.page().write(to: path)
    guard let folder else { return }
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    var named = page.headMaps.map { ($0.title.lowercased(), $0.figure) }
    named += page.keptRows.map { ("kept-rows", $0.figure) }
    named.append(("live-rows", page.timelines[0].figure))
    for (name, figure) in named {
      for suffix in ["svg", "png"] { try figure.write(to: "\(folder)/\(name).\(suffix)") }
    }
  }

  private func headMaps(_ state: RunRecorder.State) throws -> [HeadKVReport.HeadMap] {
    let maps = ProfileMaps(recorder.profiler.profile())
    var figures = Array(try maps.figures().prefix(3))
    if let budgets = state.budgets {
      figures.append(
        try .init(
          title: "Budget", subtitle: "rows a head may keep", layers: shape.layers,
          heads: shape.heads, content: .counts(budgets.values.map(\.rows))))
    }
    return figures
  }

  /// The heads with the smallest, the middle and the largest budgets, over the picture.
  private func keptRows(_ state: RunRecorder.State) throws -> KeptRows {
    let budgets = state.budgets?.values ?? []
    let order = budgets.indices.sorted { budgets[$0].rows < budgets[$1].rows }
    let chosen = [0, order.count / 4, order.count / 2, order.count * 3 / 4, order.count - 1]
      .map { order[$0] }
    let moments = recorder.moments.prefix(state.kept.count)
    return try KeptRows(
      title: "Kept rows", subtitle: "first picture; darker rows stand for more tokens",
      width: shape.grid.width, height: shape.grid.height,
      moments: moments.map { "token \($0)" },
      heads: chosen.map { head in
        KeptRows.Head(
          name: "layer \(head / shape.heads), head \(head % shape.heads)",
          note: "\(budgets[head].type.rawValue), \(budgets[head].rows) rows",
          moments: zip(moments, state.kept).map { token, heads in
            KeptRows.Moment(
              cells: shape.grid.count, step: token, rows: heads[head].map { ($0.cell, $0.count) })
          })
      })
  }
}

extension GenerationOptions {
  /// The same with every row kept, in f32.
  fileprivate func withFullCache() throws -> GenerationOptions {
    try with(policy: PolicyChoice("full"), batch: batch)
  }
}
