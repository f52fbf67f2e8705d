import HeadKV

/// Draws a list of pictures for a command: shows progress, loads and hashes beside the drawing,
/// keeps the preview, and ends when it is to.
final class DrawingRun {
  private let generator: Generator
  private let tokenizer: TokenizerLoading?
  private let hashing: WeightHashing?
  private let progress: ProgressLine
  private let makePreview: (GenerationPlan) -> Preview?
  private var preview: Preview?
  /// Seconds from the start of the process to the first token.
  private(set) var firstToken: Double?

  /// - Parameters:
  ///   - tokenizer, hashing: started after the first token; the run ends when they fail.
  ///   - preview: makes what is told of finished lines.
  init(
    _ generator: Generator, tokenizer: TokenizerLoading?, hashing: WeightHashing?, quiet: Bool,
    preview: @escaping (GenerationPlan) -> Preview? = { _ in nil }
  ) {
    self.generator = generator
    self.tokenizer = tokenizer
    self.hashing = hashing
    progress = ProgressLine(quiet: quiet)
    makePreview = preview
  }

  /// - Throws: as ``Generator`` does, or why what is done beside has failed.
  func draw(
    _ requests: [PictureRequest], previewing: Bool, observers: CacheObservers = { _, _ in [] }
  ) throws -> GenerationResult {
    do {
      return try generator.generate(
        requests, telling: previewing ? [.token, .rows] : .token, observers: observers
      ) { event in
        hear(event)
        return !Interrupt.isRequested && failure == nil
      }
    } catch { throw failure ?? told(error) }
  }

  /// Decodes what was drawn.
  ///
  /// - Throws: as ``ImageModel``, or that the run was ended.
  func decode(
    _ images: [GeneratedImage], _ model: ImageModel, threads: Int
  ) throws -> [RGBImage] {
    do {
      return try model.images(tokens: images.map(\.tokens), threads: threads) {
        Interrupt.isRequested
      }
    } catch { throw told(error) }
  }

  /// Writes the last preview.
  func finish(_ pictures: [RGBImage], text: [(String, String)]) throws {
    try preview?.finish(pictures, text: text)
  }

  /// Ends what goes on beside the drawing. After Ctrl-C nothing is waited for.
  func end() {
    preview?.abandon()
    if !Interrupt.isRequested { preview?.join() }
  }

  /// That the run was ended, with the preview that stays.
  private func told(_ error: any Error) -> any Error {
    guard error is GenerationCancelled, let preview, preview.isWritten else { return error }
    return CancelledAfterPreview(path: preview.path)
  }

  private var failure: (any Error)? { tokenizer?.error ?? hashing?.error }

  private func hear(_ event: GenerationEvent) {
    switch event {
    case .started(let plan): preview = makePreview(plan)
    case .token(let state):
      if firstToken == nil {
        firstToken = ProcessClock.seconds
        tokenizer?.start()
        hashing?.start()
      }
      progress.update(state.tokens, of: state.totalTokens, unit: "tokens")
    case .rows(let picture, let lines, let tokens):
      preview?.finished(picture: picture, lines: lines, tokens: tokens)
    case .profiled, .evicted, .image, .finished: break
    }
  }
}
