import ArgumentParser

/// Which known pictures policies are evaluated on.
struct EvaluationOptions: ParsableArguments {
  @OptionGroup var known: TokenSetOptions

  @Option(
    help: ArgumentHelp(
      "Guidance: how much predictions with and without the class count; 1 compares those with it "
        + "alone.", valueName: "number"))
  var cfgScale: Float = 1

  /// For a line of text; nothing without guidance.
  var guidance: String { cfgScale > 1 ? ", cfg-scale \(cfgScale)" : "" }

  @Option(help: ArgumentHelp("Pictures to use at most. (default: all)", valueName: "number"))
  var limit: Int?

  @Option(
    help: ArgumentHelp(
      "Pictures at the same time; changes nothing in the result.", valueName: "number"))
  var batch = 16

  func validate() throws {
    if let limit, limit < 1 { throw ValidationError("--limit must be at least 1") }
    guard cfgScale.isFinite, cfgScale >= 0 else {
      throw ValidationError("--cfg-scale must be a number that is not negative")
    }
    guard (1...4096).contains(batch) else { throw ValidationError("--batch must be 1 to 4096") }
  }
}
