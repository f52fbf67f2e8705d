import ArgumentParser
import Foundation
import HeadKV
import HeadKVBench

struct Generate: ParsableCommand {
  static let configuration = CommandConfiguration(abstract: "Draw pictures of classes or captions.",
    discussion: """
      Flags have the names and defaults of LlamaGen where it has them. Says the settings, what \
      the cache would take in full and what it held, tokens a second and peak memory. Ctrl-C ends \
      a run within a token; files are whole or absent.
      """)

  @OptionGroup(title: "Model options") var model: ModelOptions
  @OptionGroup(title: "Cache options") var cache: CacheOptions
  @OptionGroup(title: "Run options") var common: CommonOptions

  @Option(
    name: [.customLong("class"), .customShort("c")],
    help: ArgumentHelp(
      "Class to draw, by index or name; a range as 0-9; all. Repeatable. (default: 0)"),
    completion: .classes)
  var classes: [String] = []

  @Option(
    help: ArgumentHelp(
      "Captions to draw, as features: safetensors with captions [N,T,D] and mask [N,T].",
      valueName: "file"),
    completion: .safetensors)
  var captions: String?

  @Option(
    name: [.customLong("count"), .customShort("n")],
    help: ArgumentHelp("Pictures of each class or caption.", valueName: "number"))
  var count = 1

  @Option(name: .shortAndLong, help: "Picture i draws with seed + i.")
  var seed: UInt64 = 0

  @Option(help: ArgumentHelp("Guidance scale; 1 is no guidance.", valueName: "scale"))
  var cfgScale: Float = 4

  @Option(help: ArgumentHelp("Last step with guidance; -1: every step.", valueName: "step"))
  var cfgInterval = -1

  @Option(
    help: ArgumentHelp("Draw among so many likeliest tokens; 0: among all.", valueName: "number"))
  var topK = 2000

  @Option(
    help: ArgumentHelp(
      "Draw among the likeliest tokens that hold so much probability.", valueName: "probability"))
  var topP: Float = 1

  @Option(
    help: ArgumentHelp(
      "Divides the logits: below 1 likely tokens are drawn more often.", valueName: "number"))
  var temperature: Float = 1

  @Flag(help: "Take the likeliest token instead of drawing one.")
  var greedy = false

  @Option(
    help: ArgumentHelp(
      "Pictures drawn at the same time; changes nothing in them.", valueName: "number"))
  var batch = 16

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp(
      "PNG to write: a sheet, or a file for each picture with %d or %03d in its name. (default: "
        + "headkv.png, unless there is --tokens-out)", valueName: "file"),
    completion: .pictures)
  var output: String?

  @Option(
    help: ArgumentHelp(
      "Write the tokens: safetensors with tokens [N,T] and classes [N].", valueName: "file"),
    completion: .safetensors)
  var tokensOut: String?

  @Option(
    help: ArgumentHelp(
      "Columns of the sheet. (default: as many as suit the classes)", valueName: "number"))
  var columns: Int?

  @Option(
    help: ArgumentHelp(
      "Write a page on the run (HTML); draws the pictures with the full cache, too.",
      valueName: "file"),
    completion: .pages)
  var report: String?

  @Option(
    help: ArgumentHelp(
      "With --report: a folder for each figure as PNG and SVG.", valueName: "folder"),
    completion: .directory)
  var figures: String?

  func validate() throws {
    if figures != nil && report == nil { throw ValidationError("--figures goes with --report") }
    guard (1...100_000).contains(count) else {
      throw ValidationError("--count must be 1 to 100000")
    }
    if let columns, columns < 1 { throw ValidationError("--columns must be at least 1") }
  }

  func run() throws {
    let wantsPictures = output != nil || tokensOut == nil || report != nil
    let options = try GenerationOptions(
      guidanceScale: cfgScale, guidanceInterval: cfgInterval, temperature: temperature,
      topK: topK, topP: topP, greedy: greedy, seed: seed,
      policy: try cache.choice(), threads: common.threadCount, batch: batch)
    let paths = try wantsPictures ? OutputPaths(output ?? "headkv.png") : nil
    try paths?.check()
    for path in [tokensOut, report].compactMap({ $0 }) { try OutputPaths.checkDirectory(of: path) }
    let gpt = try model.load(needsTokenizer: wantsPictures, threads: common.threadCount)
    let tokenizer = try wantsPictures ? self.model.tokenizer.open(for: gpt.gpt) : nil
    let request = try Request(self, gpt)
    let generator = try Generator(model: gpt, options: options)
    say(gpt.gpt.configuration.summary)
    say(settings(options))
    say(Self.memory(generator.policy.memory))

    let progress = ProgressLine(quiet: common.quiet)
    var firstToken: Double?
    func isWanted(_ state: GenerationProgress) -> Bool {
      if firstToken == nil {
        firstToken = ProcessClock.seconds
        tokenizer?.start()
      }
      progress.update(state.tokens, of: state.totalTokens, unit: "tokens")
      return !Interrupt.isRequested && tokenizer?.error == nil
    }
    let recorder = report.map { _ in RunRecorder(generator.policy.shape) }
    let result: GenerationResult
    do {
      result = try generator.generate(conditions: request.conditions, progress: isWanted) {
        picture, branch in
        guard let recorder, picture == 0, branch == .conditional else { return [] }
        return [recorder, recorder.profiler]
      }
    } catch { throw tokenizer?.error ?? error }
    let model = ImageModel(
      gpt: gpt.gpt, tokenizer: try tokenizer?.value(), classNames: gpt.classNames)
    var written: [String] = []
    if let tokensOut {
      try TokenSet.write(
        tokens: result.images.map(\.tokens), classes: request.classes, to: tokensOut)
      written.append(tokensOut)
    }
    if let paths {
      let pictures = try model.images(tokens: result.images.map(\.tokens), threads: options.threads)
      {
        Interrupt.isRequested
      }
      written += try paths.write(
        pictures, columns: columns ?? request.columns(count), text: recipe(options))
    }
    if let report, let recorder {
      let fullOptions = try GenerationOptions(
        guidanceScale: cfgScale, guidanceInterval: cfgInterval, temperature: temperature,
        topK: topK, topP: topP, greedy: greedy, seed: seed, policy: PolicyChoice("full"),
        threads: common.threadCount, batch: batch)
      let full = try Generator(model: model, options: fullOptions)
        .generate(conditions: request.conditions, progress: isWanted)
      func pictures(_ result: GenerationResult) throws -> [(picture: RGBImage, tokens: [Int32])] {
        let tokens = result.images.map(\.tokens)
        return Array(zip(try model.images(tokens: tokens, threads: options.threads), tokens))
      }
      try GenerateReport(
        settings: settings(options), shape: generator.policy.shape, policy: generator.policy,
        report: result.report, recorder: recorder, drawn: try pictures(result),
        full: try pictures(full)
      ).write(to: report, figures: figures)
      written.append(report)
    }
    try finish(
      options, gpt.gpt, result.report, firstToken: firstToken ?? 0, pictures: result.images.count,
      written)
  }

  private func say(_ text: String) {
    Output.text(text, json: common.json, quiet: common.quiet)
  }

  private func settings(_ options: GenerationOptions) -> String {
    let sampling = options.sampling
    let draw =
      sampling.greedy
      ? "greedy"
      : "temperature \(sampling.temperature), top-k \(sampling.topK), top-p \(sampling.topP)"
    return
      "seed \(options.seed), cfg-scale \(options.guidanceScale), cfg-interval \(options.guidanceInterval), \(draw), \(cache.summary), threads \(options.threads)"
  }

  /// What a sequence's cache will take, as is known before the run.
  private static func memory(_ plan: MemoryPlan) -> String {
    "cache of a sequence: \(Output.bytes(plan.capBytes)) at most, in full \(Output.bytes(plan.fullBytes))"
  }

  private func recipe(_ options: GenerationOptions) -> [(String, String)] {
    [
      ("Software", "headkv-run \(ToolVersion.number)"),
      ("headkv", settings(options) + ", classes \(classes.joined(separator: " "))"),
    ]
  }

  private func finish(
    _ options: GenerationOptions, _ gpt: GPT, _ report: GenerationReport, firstToken: Double,
    pictures: Int, _ written: [String]
  ) throws {
    let summary = Summary(
      images: pictures, seed: options.seed, cfgScale: options.guidanceScale,
      cfgInterval: options.guidanceInterval, temperature: options.sampling.temperature,
      topK: options.sampling.topK, topP: options.sampling.topP, greedy: options.sampling.greedy,
      kvPolicy: options.policy.name, kvBudget: cache.kvBudget, kvType: cache.rows.kvType,
      threads: options.threads, precision: gpt.precision.rawValue, weightBytes: gpt.weightBytes,
      cacheBytesFull: report.cacheBytesFull, cacheBytesPeak: report.cacheBytesPeak,
      cacheBytesPlanned: report.cacheBytesPlanned,
      profilingRowsPeak: report.profilingRowsPeak, steadyRowsPeak: report.steadyRowsPeak,
      rowsPerHeadFull: report.rowsPerHeadFull, rowsPerHeadPeak: report.rowsPerHeadPeak,
      tokens: report.tokens, secondsToFirstToken: firstToken, seconds: report.seconds,
      tokensPerSecond: report.tokensPerSecond, peakMemoryBytes: Output.peakMemory, files: written)
    if common.json { try Output.json(summary) }
    say(
      "\(pictures) picture\(pictures == 1 ? "" : "s"), \(report.tokens) tokens in "
        + String(format: "%.2f s: %.1f tokens/s", report.seconds, report.tokensPerSecond)
        + String(format: ", the first %.2f s after the process started", firstToken))
    say(
      "cache: \(Output.bytes(report.cacheBytesFull)) in full, "
        + "\(Output.bytes(report.cacheBytesPeak)) held at peak of "
        + "\(Output.bytes(report.cacheBytesPlanned)) planned; "
        + "weights \(Output.bytes(gpt.weightBytes)) (\(gpt.precision.rawValue)); "
        + "peak memory \(Output.bytes(Output.peakMemory))")
    for path in written { say("wrote \(path)") }
  }
}

/// What a run was and cost, as JSON says it.
private struct Summary: Encodable {
  let images: Int
  let seed: UInt64
  let cfgScale: Float
  let cfgInterval: Int
  let temperature: Float
  let topK: Int
  let topP: Float
  let greedy: Bool
  let kvPolicy: String
  let kvBudget: String?
  let kvType: CacheElement
  let threads: Int
  let precision: String
  let weightBytes: Int
  let cacheBytesFull: Int
  let cacheBytesPeak: Int
  let cacheBytesPlanned: Int
  let profilingRowsPeak: Int
  let steadyRowsPeak: Int
  let rowsPerHeadFull: Int
  let rowsPerHeadPeak: Double
  let tokens: Int
  /// From the start of the process.
  let secondsToFirstToken: Double
  let seconds: Double
  let tokensPerSecond: Double
  let peakMemoryBytes: Int
  let files: [String]
}

/// The pictures asked for.
private struct Request {
  var conditions: [Condition] = []
  var classes: [Int] = []

  init(_ command: Generate, _ model: ImageModel) throws {
    if let path = command.captions {
      for caption in try CaptionFile.read(path) {
        for _ in 0..<command.count { conditions.append(.caption(caption)) }
      }
      return
    }
    guard model.gpt.configuration.classCount > 0 else {
      throw OptionError("--captions", "absent", "given: the model draws from captions")
    }
    let asked = command.classes.isEmpty ? ["0"] : command.classes
    for text in asked {
      for index in try ClassList.indices(text, model) {
        for _ in 0..<command.count {
          classes.append(index)
          conditions.append(.category(index))
        }
      }
    }
  }

  func columns(_ count: Int) -> Int {
    let groups = max(conditions.count / count, 1)
    if groups > 1 { return min(groups == 0 ? 1 : count == 1 ? min(groups, 10) : count, 24) }
    return Int(Double(conditions.count).squareRoot().rounded(.up))
  }
}

extension GPTConfiguration {
  /// One line on what the model is.
  var summary: String {
    "GPT: \(layers) layers, \(heads) heads of \(headDimension), width \(dimension), grid \(grid.width)x\(grid.height), \(vocabulary) codes, "
      + (classCount > 0 ? "\(classCount) classes" : "captions")
      + String(format: ", %.1f M parameters", Double(parameters) / 1e6)
  }
}
