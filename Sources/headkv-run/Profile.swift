import ArgumentParser
import Foundation
import HeadKV
import HeadKVReport

struct Profile: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Show what each attention head looks at.",
    discussion: """
      Early: the second and third row of the grid; late: the second half of the picture; both under \
      the full cache, means over the pictures. These are known ones, or with --class drawn first \
      (with guidance it is the conditional branch that is profiled).
      """)

  @OptionGroup(title: "Model options") var model: ModelOptions
  @OptionGroup(title: "Cache options") var rows: RowOptions
  @OptionGroup(title: "Run options") var common: CommonOptions

  @OptionGroup var known: TokenSetOptions

  @Option(
    name: [.customLong("class"), .customShort("c")],
    help: ArgumentHelp(
      "Profile pictures drawn of this class, by index or name; a range as 0-9; all. Repeatable."),
    completion: .classes)
  var classes: [String] = []

  @Option(name: .shortAndLong, help: "With --class: picture i is drawn with seed + i.")
  var seed: UInt64 = 0

  @Option(
    help: ArgumentHelp("With --class: guidance scale; 1 is no guidance.", valueName: "scale"))
  var cfgScale: Float = 4

  @Option(help: ArgumentHelp("Pictures to use at most.", valueName: "number"))
  var limit = 8

  @Option(help: ArgumentHelp("Mass that a head's reach holds, 0 to 1.", valueName: "mass"))
  var tau = 0.9

  @Flag(help: "Say how well early profiles tell late ones.")
  var check = false

  @Option(
    help: ArgumentHelp(
      "Show a profile that was saved, instead of measuring one.", valueName: "file"),
    completion: .profiles)
  var load: String?

  @Option(
    help: ArgumentHelp(
      "Save the early profile, the mean over the pictures (JSON).", valueName: "file"),
    completion: .profiles)
  var save: String?

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp("Write the map of entropies: .svg or .png.", valueName: "file"),
    completion: .charts)
  var output: String?

  @Option(
    help: ArgumentHelp("Write a page with all maps (HTML).", valueName: "file"),
    completion: .pages)
  var report: String?

  func validate() throws {
    guard limit >= 1 else { throw ValidationError("--limit must be at least 1") }
    guard tau > 0, tau <= 1 else { throw ValidationError("--tau must be above 0, at most 1") }
    if known.tokens != nil && !classes.isEmpty {
      throw ValidationError("--class draws pictures, --tokens names known ones: give one")
    }
    if load != nil && (check || save != nil || known.tokens != nil || !classes.isEmpty) {
      throw ValidationError("--load shows a saved profile: --check, --save, --class and --tokens measure one")
    }
  }

  func run() throws {
    if let output { try OutputPaths.checkChart(output) }
    for path in [save, report].compactMap({ $0 }) { try OutputPaths.checkDirectory(of: path) }
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
    let model = try model.load(needsTokenizer: false)
    let progress = ProgressLine(quiet: common.quiet)
    let set =
      classes.isEmpty
      ? try known.load()
      : try draw(model, progress)
    let surveys = try HeadSurveyor(
      gpt: model.gpt, threads: common.threadCount, tau: tau, element: rows.element
    ).surveys(set, limit: limit) { done, total in
      progress.update(done, of: total, unit: "pictures")
      return !Interrupt.isRequested
    }
    try show(surveys.map(\.early), late: surveys.map(\.late))
  }

  private func draw(_ model: ImageModel, _ progress: ProgressLine) throws -> TokenSet {
    let asked = try classes.flatMap { try ClassList.indices($0, model) }.prefix(limit)
    let options = try GenerationOptions(
      guidanceScale: cfgScale, seed: seed, policy: "full", threads: common.threadCount)
    let result = try Generator(model: model, options: options).generate(
      conditions: asked.map { .category($0) },
      progress: { state in
        progress.update(state.tokens, of: state.totalTokens, unit: "tokens")
        return !Interrupt.isRequested
      })
    return TokenSet(tokens: result.images.map(\.tokens), classes: Array(asked))
  }

  private func show(_ early: [HeadProfile], late: [HeadProfile]) throws {
    let profile = try HeadProfile(meanOf: early)
    let maps = ProfileMaps(profile)
    let answer = ProfileAnswer(
      pictures: early.count, type: load == nil ? rows.element : nil, heads: maps,
      agreement: check ? try Agreement(early, late) : nil)
    if let save { try Output.file(profile.json(), to: save) }
    if common.json { try Output.json(answer) }
    Output.text(maps.table, json: common.json, quiet: common.quiet)
    if let agreement = answer.agreement {
      Output.text(agreement.text, json: common.json, quiet: common.quiet)
    }
    let figures = try maps.figures()
    if let output { try figures[0].figure.write(to: output) }
    guard let report else { return }
    var page = RunReport(
      title: "What the heads look at",
      subtitle: early.count == 1 ? "one picture" : "\(early.count) pictures")
    if let type = answer.type { page.settings = [("kv-type", type.rawValue)] }
    page.headMaps = figures
    page.offsetMaps = [try ProfileMaps.offsets(profile)]
    if !late.isEmpty {
      let then = ProfileMaps(try HeadProfile(meanOf: late))
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
  /// Of the rows that were profiled; nil for a profile that was loaded.
  let type: CacheElement?
  let heads: ProfileMaps
  let agreement: Agreement?
}
