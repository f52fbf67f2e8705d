import ArgumentParser
import Foundation
import HeadKV
import HeadKVMath

extension WeightPrecision: ExpressibleByArgument {}

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
      "Weights in memory; auto: as they are stored or packed, in place in the file; bf12: as bf16 "
        + "to the last bit, in 12 bits each. (default: auto)", valueName: "type"))
  var precision: WeightPrecision?

  var held: WeightPrecision { precision ?? .auto }

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
    try MemoryRoom.requireThreads(threads ?? WorkerPool.availableProcessors)
    guard let gpt else {
      return try ImageModel(
        gpt: gptPath, precision: held, threads: threads)
    }
    if needsTokenizer && vq == nil {
      throw OptionError("--vq", "absent", "given to decode pictures (or use --tokens-out without -o)")
    }
    return try ImageModel(gpt: gpt, hints: hints(), precision: held, threads: threads)
  }

  /// With a recipe's files and settings where none are given; what it says of a GPT is left out if
  /// another one is given.
  func filled(from recipe: Recipe?) -> ModelOptions {
    guard let recipe else { return self }
    var options = self
    options.tokenizer.vq = vq ?? recipe.vq.path
    guard gpt == nil else { return options }
    options.gpt = recipe.gpt.path
    options.precision = precision ?? WeightPrecision(rawValue: recipe.precision)
    if heads == nil && preset == nil { options.heads = recipe.heads }
    if grid == nil && imageSize == nil && recipe.gridWidth == recipe.gridHeight {
      options.grid = recipe.gridWidth
    }
    return options
  }

  /// The path of the GPT's weights.
  var gptPath: String { gpt ?? BundledFiles.path("gpt.safetensors") }

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
