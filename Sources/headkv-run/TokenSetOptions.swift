import ArgumentParser
import HeadKV

/// The known pictures that a verb works with.
struct TokenSetOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Safetensors with tokens [N,T] and classes [N]. (default: the bundled 64 pictures)",
      valueName: "file"),
    completion: .safetensors)
  var tokens: String?

  func load() throws -> TokenSet {
    try TokenSet(reading: tokens ?? BundledFiles.path("eval.safetensors"))
  }
}
