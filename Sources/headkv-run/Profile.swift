import ArgumentParser
import Foundation
import HeadKV
import HeadKVReport

struct Profile: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Show what each attention head looks at, on early and on late tokens.",
    discussion: """
      Early: the second and third row of the grid; late: the second half of the picture; both under \
      the full cache, means over the pictures.
      """)

  @OptionGroup var model: ModelOptions
  @OptionGroup var common: CommonOptions

  @Option(help: "Safetensors with tokens [N,T] and classes [N]. Default: the bundled 64 pictures.")
  var tokens: String?

  @Option(help: "Pictures to use at most.")
  var limit = 8

  @Option(help: "Mass that a head's reach holds.")
  var tau = 0.9

  @Flag(help: "Say how well early profiles tell late ones.")
  var check = false

  @Option(help: "Show a profile that was saved, instead of measuring one.")
  var load: String?

  @Option(help: "Save the early profile of the first picture (JSON).")
  var save: String?

  @Option(name: .shortAndLong, help: "The map of entropies: .svg or .png.")
  var output: String?

  @Option(help: "A page with all maps (HTML).")
  var report: String?

  func validate() throws {
    guard limit >= 1 else { throw ValidationError("--limit must be at least 1") }
    guard tau > 0, tau <= 1 else { throw ValidationError("--tau must be above 0, at most 1") }
    if load != nil && (check || save != nil) {
      throw ValidationError("--load shows a saved profile: --check and --save measure one")
    }
  }

  func run() throws {
    for path in [save, output, report].compactMap({ $0 }) {
      try OutputPaths.checkDirectory(of: path)
    }
    if let output, !output.hasSuffix(".svg"), !output.hasSuffix(".png") {
      throw OptionError("-o", output, "a name that ends in .svg or .png")
    }
    if let load {
      let data: Data
      do {
        data = try Data(contentsOf: URL(fileURLWithPath: load))
      } catch {
        throw OptionError("--load", load, "a file that can be read")
      }
      let profile: HeadProfile
      do {
        profile = try HeadProfile(json: data)
      } catch {
        throw OptionError("--load", load, "a profile; \(error)")
      }
      return try show([profile], late: [])
    }
    let gpt = try model.load(needsTokenizer: false).gpt
    let set = try TokenSet(reading: tokens ?? BundledFiles.path("eval.safetensors"))
    let progress = ProgressLine(quiet: common.quiet)
    let surveys = try HeadSurveyor(gpt: gpt, threads: common.threadCount, tau: tau)
      .surveys(set, limit: limit) { done, total in
        progress.update(done, of: total, unit: "pictures")
        return !Interrupt.isRequested
      }
    if let save {
      try surveys[0].early.json().write(to: URL(fileURLWithPath: save), options: .atomic)
    }
    try show(surveys.map(\.early), late: surveys.map(\.late))
  }

  private func show(_ early: [HeadProfile], late: [HeadProfile]) throws {
    let maps = ProfileMaps(early)
    let answer = ProfileAnswer(
      pictures: early.count, heads: maps, agreement: check ? try Agreement(early, late) : nil)
    if common.json { try Output.json(answer) }
    Output.text(maps.table, json: common.json, quiet: common.quiet)
    if let agreement = answer.agreement {
      Output.text(agreement.text, json: common.json, quiet: common.quiet)
    }
    let figures = try maps.figures()
    if let output { try figures[0].figure.write(to: output) }
    guard let report else { return }
    var page = RunReport(title: "What the heads look at", subtitle: "\(early.count) pictures")
    page.headMaps = figures
    page.offsetMaps = [try maps.offsets(early)]
    if !late.isEmpty {
      let then = ProfileMaps(late)
      page.agreements = [
        try RankAgreement(
          title: "Entropy, early and late", layers: maps.layers, heads: maps.heads,
          early: maps.entropy, late: then.entropy),
        try RankAgreement(
          title: "Reach, early and late", layers: maps.layers, heads: maps.heads,
          early: maps.reach, late: then.reach),
      ]
    }
    try page.page().write(to: report)
  }
}

private struct ProfileAnswer: Encodable {
  let pictures: Int
  let heads: ProfileMaps
  let agreement: Agreement?
}

/// Means over pictures for each head, layer by layer.
struct ProfileMaps: Encodable {
  let layers: Int
  let heads: Int
  let entropy: [Double]
  let reach: [Double]
  let prefixMass: [Double]
  let keyRank: [Double]
  let valueRank: [Double]
  let types: [HeadType]

  init(_ profiles: [HeadProfile]) {
    let first = profiles[0]
    layers = first.heads.layers
    heads = first.heads.heads
    func mean(_ value: (HeadStatistics) -> Double) -> [Double] {
      first.heads.values.indices.map { head in
        profiles.reduce(0) { $0 + value($1.heads.values[head]) } / Double(profiles.count)
      }
    }
    entropy = mean(\.entropy)
    reach = mean(\.reach)
    prefixMass = mean(\.prefixMass)
    keyRank = mean { $0.keyRank ?? 0 }
    valueRank = mean { $0.valueRank ?? 0 }
    let window = Double(2 * first.grid.width)
    types = reach.map { $0 < window ? .local : .global }
  }

  var table: String {
    var lines = ["layer head  entropy   reach  prefix  rank K  rank V  type"]
    for index in entropy.indices {
      lines.append(
        String(
          format: "%5d %4d  %7.3f %7.1f %7.3f %7.1f %7.1f  ", index / heads, index % heads,
          entropy[index], reach[index], prefixMass[index], keyRank[index], valueRank[index])
          + types[index].rawValue)
    }
    return lines.joined(separator: "\n")
  }

  func figures() throws -> [HeadKVReport.HeadMap] {
    [
      try .init(
        title: "Entropy", subtitle: "0: a single row, 1: even", layers: layers, heads: heads,
        content: .values(entropy, range: 0...1)),
      try .init(
        title: "Reach", subtitle: "newest tokens that hold tau of the mass", layers: layers,
        heads: heads, content: .values(reach, digits: 0)),
      try .init(
        title: "Type", layers: layers, heads: heads,
        content: .types(types.map { $0 == .local ? 0 : 1 }, names: ["local", "global"])),
      try .init(
        title: "Effective rank of keys", layers: layers, heads: heads,
        content: .values(keyRank, digits: 0)),
    ]
  }

  /// Where the heads of the first picture look, by offset on the grid.
  func offsets(_ profiles: [HeadProfile]) throws -> HeadKVReport.OffsetMap {
    let columns = 2 * OffsetMass.columns + 1
    return try .init(
      title: "Attention by offset", subtitle: "first picture; last line: the token's own",
      lines: OffsetMass.rows, columns: columns,
      heads: profiles[0].heads.values.enumerated().map { index, head in
        let mass = head.offsetMass.values.map(Double.init)
        let lines = (0..<OffsetMass.rows).reversed().flatMap {
          mass[$0 * columns..<($0 + 1) * columns]
        }
        return .init(name: "\(index / heads).\(index % heads)", mass: lines)
      })
  }
}

/// How well early profiles tell late ones: means over pictures.
private struct Agreement: Encodable {
  let entropy: Double
  let entropyWithinLayers: Double
  let reach: Double
  let reachWithinLayers: Double
  let keyRank: Double
  let valueRank: Double
  /// Rank correlation of the early effective ranks with the late entropy.
  let keyRankWithLateEntropy: Double
  let valueRankWithLateEntropy: Double
  let types: Double
  let globalTakenForLocal: Double

  init(_ early: [HeadProfile], _ late: [HeadProfile]) throws {
    let pairs = Array(zip(early, late))
    let found = try pairs.map {
      try ProfileAgreement(early: $0, late: $1, window: 2 * $0.grid.width)
    }
    func mean(_ values: [Double]) -> Double { values.reduce(0, +) / Double(values.count) }
    func correlation(
      _ a: (HeadStatistics) -> Double, _ b: (HeadStatistics) -> Double
    ) -> Double {
      mean(
        pairs.map {
          ProfileAgreement.rankCorrelation($0.heads.values.map(a), $1.heads.values.map(b))
        })
    }
    entropy = mean(found.map(\.entropy))
    entropyWithinLayers = mean(found.map(\.entropyWithinLayers))
    reach = mean(found.map(\.reach))
    reachWithinLayers = mean(found.map(\.reachWithinLayers))
    types = mean(found.map(\.types))
    globalTakenForLocal = mean(found.map(\.globalTakenForLocal))
    keyRank = correlation({ $0.keyRank ?? 0 }, { $0.keyRank ?? 0 })
    valueRank = correlation({ $0.valueRank ?? 0 }, { $0.valueRank ?? 0 })
    keyRankWithLateEntropy = correlation({ $0.keyRank ?? 0 }, \.entropy)
    valueRankWithLateEntropy = correlation({ $0.valueRank ?? 0 }, \.entropy)
  }

  var text: String {
    String(
      format: """
        early against late, rank correlation over all heads (within layers):
          entropy %.3f (%.3f), reach %.3f (%.3f), effective rank of keys %.3f, of values %.3f
          early effective rank against late entropy: keys %.3f, values %.3f
        types agree for %.1f %% of heads; %.1f %% are taken for local and turn out global
        """, entropy, entropyWithinLayers, reach, reachWithinLayers, keyRank, valueRank,
      keyRankWithLateEntropy, valueRankWithLateEntropy, types * 100, globalTakenForLocal * 100)
  }
}
