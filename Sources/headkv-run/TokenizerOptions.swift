import ArgumentParser
import HeadKV

/// Which tokenizer a verb works with.
struct TokenizerOptions: ParsableArguments {
  @Option(
    name: [.customLong("vq"), .customLong("vq-ckpt")],
    help: ArgumentHelp(
      "Weights of the VQ tokenizer. (default: those of the bundled model)", valueName: "file"),
    completion: .tokenizerFiles)
  var vq: String?

  /// The tokenizer that draws what `gpt` says, checked and still to be loaded.
  func open(for gpt: GPT) throws -> TokenizerLoading {
    try TokenizerLoading(vq ?? BundledFiles.path("vq.safetensors"), for: gpt)
  }

  func load() throws -> VQTokenizer {
    try VQTokenizer(TensorCatalog.open(vq ?? BundledFiles.path("vq.safetensors")))
  }
}
