import HeadKV

/// A tokenizer that is loaded while tokens are drawn: the first token does not wait for it.
typealias TokenizerLoading = BackgroundWork<VQTokenizer>

extension BackgroundWork<VQTokenizer> {
  /// Reads the directory of the file, not its weights.
  ///
  /// - Throws: if it holds no tokenizer, or one with other codes than the GPT's.
  convenience init(_ path: String, for gpt: GPT) throws {
    let catalog = try TensorCatalog.open(path)
    let codes = try VQTokenizer.outline(catalog).codebookSize
    guard codes == gpt.configuration.vocabulary else {
      throw ModelError.contradiction(
        file: path, what: "the number of codes",
        said: "\(gpt.configuration.vocabulary) by the GPT", found: "\(codes)")
    }
    self.init("headkv-vq") { try VQTokenizer(catalog) }
  }
}
