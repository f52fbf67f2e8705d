import ArgumentParser
import Foundation
import HeadKV

extension WeightPrecision: ExpressibleByArgument {}
extension CacheElement: ExpressibleByArgument {}
extension GuidanceBranches: ExpressibleByArgument {}

/// How rows are held.
struct RowOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Type of cached keys and values: f32 as computed; f16 and bf16 in half the memory, f16 with "
        + "an eighth of the rounding; int8 in about a third, with a scale for each key and value.",
      valueName: "type"))
  var kvType: CacheElement = .f32
}

/// Which weights a verb works with.
struct ModelOptions: ParsableArguments {
  @Option(
    name: [.customLong("gpt"), .customLong("gpt-ckpt"), .customShort("m")],
    help: ArgumentHelp(
      "Weights of the GPT: .pt, .bin, .safetensors, .index.json, or packed. (default: the bundled "
        + "model)", valueName: "file"),
    completion: .gptFiles)
  var gpt: String?

  @OptionGroup var tokenizer: TokenizerOptions

  @Option(
    name: [.customLong("preset"), .customLong("gpt-model")],
    help: ArgumentHelp(
      "Published size: GPT-B, L, XL, XXL, XXXL, 1B, 3B or 7B. (default: as the weights tell)",
      valueName: "size"),
    completion: .presets)
  var preset: String?

  @Option(
    help: ArgumentHelp(
      "Attention heads of a layer, where weights and config.json don't tell.",
      valueName: "number"))
  var heads: Int?

  @Option(
    help: ArgumentHelp(
      "Side of the token grid, such as 16 or 24, where weights and config.json don't tell.",
      valueName: "tokens"))
  var grid: Int?

  @Option(
    help: ArgumentHelp(
      "Side of the picture, such as 256 or 384, from which the grid follows; 16 pixels a token "
        + "unless --vq says otherwise.", valueName: "pixels"))
  var imageSize: Int?

  @Option(
    help: ArgumentHelp(
      "Weights in memory; auto: as they are stored or packed, in place in the file.",
      valueName: "type"))
  var precision: WeightPrecision = .auto

  var vq: String? { tokenizer.vq }

  func validate() throws {
    if let preset, GPTPreset.named(preset) == nil {
      throw ValidationError(
        "no preset '\(preset)'; there are \(GPTPreset.all.map(\.name).joined(separator: ", "))")
    }
    if let grid, !(1...1024).contains(grid) { throw ValidationError("--grid must be 1 to 1024") }
    if let heads, !(1...4096).contains(heads) {
      throw ValidationError("--heads must be 1 to 4096")
    }
    if let imageSize, !(1...16384).contains(imageSize) {
      throw ValidationError("--image-size must be 1 to 16384")
    }
  }

  /// The GPT and its class names; the tokenizer is loaded apart.
  ///
  /// - Parameters:
  ///   - needsTokenizer: whether the want of a tokenizer is an error.
  ///   - threads: threads that pack weights; default: all processors.
  func load(needsTokenizer: Bool, threads: Int? = nil) throws -> ImageModel {
    guard let gpt else {
      return try ImageModel(
        gpt: BundledFiles.path("gpt.safetensors"), precision: precision, threads: threads)
    }
    if needsTokenizer && vq == nil {
      throw OptionError("--vq", "absent", "given to decode pictures (or use --tokens-out without -o)")
    }
    return try ImageModel(gpt: gpt, hints: hints(), precision: precision, threads: threads)
  }

  func hints() throws -> GPTHints {
    var hints = GPTHints(heads: heads, preset: preset.flatMap(GPTPreset.named))
    if let side = try grid ?? imageSize.map({ try cells($0) }) {
      hints.grid = TokenGrid(width: side, height: side)
    }
    return hints
  }

  private func cells(_ pixels: Int) throws -> Int {
    let factor = try vq.map { try VQTokenizer.outline(TensorCatalog.open($0)).downsampling } ?? 16
    guard pixels % factor == 0 else {
      throw OptionError("--image-size", "\(pixels)", "a multiple of \(factor)")
    }
    return pixels / factor
  }
}

/// What a cache may hold.
struct CacheOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Which rows the cache keeps: \(PolicyCatalog.all.map(\.name).joined(separator: ", ")); "
        + "`headkv-run policies` tells what each does.", valueName: "name"),
    completion: .policies)
  var kvPolicy: String = "auto"

  @Option(
    help: ArgumentHelp(
      "What a sequence may keep: a share (1/6, 17%), rows of a head on average with the prefix "
        + "counted (43rows), or bytes (64MiB). (default: everything)", valueName: "budget"),
    completion: .budgets)
  var kvBudget: String?

  @OptionGroup var rows: RowOptions

  @Option(
    help: ArgumentHelp(
      "Set an option of the policy, as `headkv-run policies` lists them; repeatable.",
      valueName: "name=value"),
    completion: .policyOptions)
  var kvOption: [String] = []

  @Option(
    help: ArgumentHelp(
      "When the budget holds under auto: after the heads are profiled, or strict: from the first "
        + "token on. (default: after)", valueName: "when"))
  var kvCap: CapText?

  enum CapText: String, ExpressibleByArgument, CaseIterable { case after, strict }

  @Option(
    help: ArgumentHelp(
      "Whether both branches of a guided picture keep the same tokens (shared).",
      valueName: "how"))
  var kvBranches: GuidanceBranches = .independent

  /// - Throws: ``CacheBudgetError`` or ``OptionError`` naming what cannot be read.
  func choice() throws -> PolicyChoice {
    var options: [String: String] = [:]
    for text in kvOption {
      let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      guard parts.count == 2, !parts[0].isEmpty else {
        throw OptionError("--kv-option", "'\(text)'", "name=value")
      }
      guard options.updateValue(String(parts[1]), forKey: String(parts[0])) == nil else {
        throw OptionError("--kv-option", "'\(text)'", "given once for each name")
      }
    }
    if let kvCap {
      guard options.updateValue(kvCap.rawValue, forKey: "cap") == nil else {
        throw OptionError("--kv-cap", "'\(kvCap.rawValue)'", "given once: there is --kv-option cap")
      }
    }
    return PolicyChoice(
      kvPolicy, budget: try kvBudget.map { budget throws in try CacheBudget(parsing: budget) },
      options: options, branches: kvBranches,
      element: rows.kvType)
  }

  /// What was asked for, as a line of settings says it.
  var summary: String {
    let all = kvOption + (kvCap.map { ["cap=\($0.rawValue)"] } ?? [])
    let options = all.isEmpty ? "" : " (\(all.joined(separator: ", ")))"
    let branches = kvBranches == .independent ? "" : ", \(kvBranches.rawValue) branches"
    return
      "kv-policy \(kvPolicy)\(options), kv-budget \(kvBudget ?? "100%"), kv-type \(rows.kvType.rawValue)\(branches)"
  }
}

struct CommonOptions: ParsableArguments {
  @Option(
    name: .shortAndLong,
    help: ArgumentHelp(
      "Threads to work with. (default: HEADKV_THREADS, else one a processor)",
      valueName: "number"))
  var threads: Int?

  @Flag(help: "Print one JSON object on standard output, and text on standard error.")
  var json = false

  @Flag(name: .shortAndLong, help: "Print errors only.")
  var quiet = false

  func validate() throws {
    if let threads, !(1...1024).contains(threads) {
      throw ValidationError("--threads must be 1 to 1024")
    }
  }

  var threadCount: Int? {
    threads ?? ProcessInfo.processInfo.environment["HEADKV_THREADS"].flatMap(Int.init)
  }
}
