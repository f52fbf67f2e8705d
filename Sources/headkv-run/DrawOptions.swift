import ArgumentParser
import HeadKV

/// What is to be drawn, and how tokens are picked; what is not given comes from a recipe or is the
/// default.
struct DrawOptions: ParsableArguments {
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
    help: ArgumentHelp("Pictures of each class or caption. (default: 1)", valueName: "number"))
  var count: Int?

  @Option(name: .shortAndLong, help: "Picture i draws with seed + i. (default: 0)")
  var seed: UInt64?

  @Option(
    help: ArgumentHelp("Guidance scale; 1 is no guidance. (default: 4)", valueName: "scale"))
  var cfgScale: Float?

  @Option(
    help: ArgumentHelp(
      "Last step with guidance; -1: every step. (default: -1)", valueName: "step"))
  var cfgInterval: Int?

  @Option(
    help: ArgumentHelp(
      "Draw among so many likeliest tokens; 0: among all. (default: 2000)", valueName: "number"))
  var topK: Int?

  @Option(
    help: ArgumentHelp(
      "Draw among the likeliest tokens that hold so much probability. (default: 1)",
      valueName: "probability"))
  var topP: Float?

  @Option(
    help: ArgumentHelp(
      "Divides the logits: below 1 likely tokens are drawn more often. (default: 1)",
      valueName: "number"))
  var temperature: Float?

  @Flag(inversion: .prefixedNo, help: "Take the likeliest token instead of drawing one.")
  var greedy: Bool?

  @Option(
    help: ArgumentHelp(
      "Repeat a picture or sheet, bit for bit, by the recipe in it; other flags take the place of "
        + "what it says.", valueName: "file"),
    completion: .pictures)
  var like: String?

  @Option(
    help: ArgumentHelp(
      "Pictures drawn at the same time; changes nothing in them.", valueName: "number"))
  var batch = 16

  func validate() throws {
    if let count, !(1...100_000).contains(count) {
      throw ValidationError("--count must be 1 to 100000")
    }
  }

  /// - Throws: ``OptionError`` naming the value out of range.
  func options(
    like recipe: Recipe?, policy: PolicyChoice, threads: Int?
  ) throws -> GenerationOptions {
    try GenerationOptions(
      guidanceScale: cfgScale ?? recipe?.cfgScale ?? 4,
      guidanceInterval: cfgInterval ?? recipe?.cfgInterval ?? -1,
      temperature: temperature ?? recipe?.temperature ?? 1,
      topK: topK ?? recipe?.topK ?? 2000, topP: topP ?? recipe?.topP ?? 1,
      greedy: greedy ?? recipe?.greedy ?? false,
      seed: seed ?? recipe?.pictures.first?.seed ?? 0, policy: policy, threads: threads,
      batch: batch)
  }
}
