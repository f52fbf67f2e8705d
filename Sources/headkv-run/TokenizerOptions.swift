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

  /// The path of the tokenizer's weights.
  var path: String { vq ?? BundledFiles.path("vq.safetensors") }

  /// The tokenizer that draws what `gpt` says, checked and still to be loaded.
  func open(for gpt: GPT) throws -> TokenizerLoading {
    try TokenizerLoading(path, for: gpt)
  }

  func load(threads: Int?) throws -> VQTokenizer {
    try MemoryRoom.requireThreads(threads ?? 2)
    return try VQTokenizer(TensorCatalog.open(path))
  }
}
