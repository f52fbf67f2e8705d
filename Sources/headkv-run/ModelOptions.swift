import ArgumentParser
import Foundation
import HeadKV

extension WeightPrecision: ExpressibleByArgument {}
extension CacheElement: ExpressibleByArgument {}

/// How rows are held.
struct RowOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Type of cached keys and values: f32 (exact); bf16 and f16 (half the memory, f16 with an eighth of the rounding of bf16); int8 (near a quarter of the memory, with a scale for each key and value, and the largest rounding)."
    ))
  var kvType: CacheElement = .f32
}

/// Which weights a verb works with.
struct ModelOptions: ParsableArguments {
  @Option(
    name: [.customLong("gpt"), .customLong("gpt-ckpt"), .customShort("m")],
    help:
      "GPT weights (.pt, .bin, .safetensors, .index.json, or packed). Default: the bundled model.")
  var gpt: String?

  @Option(
    name: [.customLong("vq"), .customLong("vq-ckpt")],
    help: "VQ tokenizer weights. Default: the bundled ones, if the GPT is bundled.")
  var vq: String?

  @Option(
    name: [.customLong("preset"), .customLong("gpt-model")],
    help: "Published size: GPT-B, L, XL, XXL, XXXL, 1B, 3B or 7B.")
  var preset: String?

  @Option(help: "Attention heads, where weights and config.json don't tell.")
  var heads: Int?

  @Option(help: "Token grid's side, e.g. 16 or 24.")
  var grid: Int?

  @Option(help: "Picture's side in pixels, e.g. 256 or 384; says the grid of a 16-fold tokenizer.")
  var imageSize: Int?

  @Option(
    help:
      "Weights in memory: f32, bf16, int8, or auto: as stored or packed, in place in the file.")
  var precision: WeightPrecision = .auto

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

  /// The tokenizer that draws what `gpt` says, checked and still to be loaded.
  func openTokenizer(for gpt: GPT) throws -> TokenizerLoading {
    try TokenizerLoading(vq ?? BundledFiles.path("vq.safetensors"), for: gpt)
  }

  /// The tokenizer alone.
  func loadTokenizer() throws -> VQTokenizer {
    try VQTokenizer(TensorCatalog.open(vq ?? BundledFiles.path("vq.safetensors")))
  }
}

/// What a cache may hold.
struct CacheOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Which rows the cache keeps: "
        + PolicyCatalog.all.map { "\($0.name) (\($0.summary))" }.joined(separator: ", ") + "."))
  var kvPolicy: String = "auto"

  @Option(
    help: "What each sequence may keep: 1/6, 17%, 43rows (a head, prefix included), 64MiB.")
  var kvBudget: String?

  @OptionGroup var rows: RowOptions

  @Option(
    help: "name=value: an option of the policy, as `headkv-run policies` lists them; repeatable.")
  var kvOption: [String] = []

  @Option(
    help: "When the budget holds under auto: after the first rows are profiled, or strict, always.")
  var kvCap: CapText?

  enum CapText: String, ExpressibleByArgument, CaseIterable { case after, strict }

  @Option(help: "independent, or shared: both branches of a guided picture keep the same tokens.")
  var kvBranches = "independent"

  func validate() throws {
    guard GuidanceBranches(rawValue: kvBranches) != nil else {
      throw ValidationError("--kv-branches must be independent or shared")
    }
  }

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
      options: options, branches: GuidanceBranches(rawValue: kvBranches) ?? .independent,
      element: rows.kvType)
  }

  /// What was asked for, as a line of settings says it.
  var summary: String {
    let all = kvOption + (kvCap.map { ["cap=\($0.rawValue)"] } ?? [])
    let options = all.isEmpty ? "" : " (\(all.joined(separator: ", ")))"
    let branches = kvBranches == "independent" ? "" : ", \(kvBranches) branches"
    return
      "kv-policy \(kvPolicy)\(options), kv-budget \(kvBudget ?? "100%"), kv-type \(rows.kvType.rawValue)\(branches)"
  }
}

struct CommonOptions: ParsableArguments {
  @Option(name: .shortAndLong, help: "Threads. Default: HEADKV_THREADS, else all processors.")
  var threads: Int?

  @Flag(help: "Print one JSON object on standard output.")
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
