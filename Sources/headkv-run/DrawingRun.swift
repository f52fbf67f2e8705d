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
  private var writer: SeriesWriter?
  /// Of the batch that is being drawn, those that are finished.
  private var batch: [GeneratedImage] = []
  private var plan: GenerationPlan?
  /// The file that the tokens have been written to.
  var tokensWritten: String?
  /// Why a batch could not be written.
  private var writingError: (any Error)?
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

  /// - Parameter writer: gets each batch as soon as it is drawn.
  /// - Throws: as ``Generator`` does, or why what is done beside has failed.
  func draw(
    _ requests: [PictureRequest], previewing: Bool, to writer: SeriesWriter? = nil,
    observers: CacheObservers = { _, _ in [] }
  ) throws -> GenerationResult {
    self.writer = writer
    do {
      let result = try generator.generate(
        requests, telling: previewing ? [.token, .rows] : .token, observers: observers
      ) { event in
        hear(event)
        return !Interrupt.isRequested && failure == nil
      }
      if let writingError { throw writingError }
      return result
    } catch { throw failure ?? told(error) }
  }

  /// Draws the first lines of the pictures.
  ///
  /// - Throws: as ``Generator`` does, or why what is done beside has failed.
  func draw(
    _ requests: [PictureRequest], lines: Int, previewing: Bool
  ) throws -> (states: [PictureState], report: GenerationReport) {
    do {
      return try generator.draw(
        requests, lines: lines, telling: previewing ? [.token, .rows] : .token
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

  /// That the run was ended, with what stays.
  private func told(_ error: any Error) -> any Error {
    guard error is GenerationCancelled else { return error }
    return CancelledDrawing(
      pictures: writer?.files.count ?? 0,
      preview: preview.flatMap { $0.isWritten ? $0.path : nil }, tokens: tokensWritten)
  }

  private var failure: (any Error)? {
    tokenizer?.error ?? hashing?.error ?? writingError.map(told)
  }

  private func gather(_ picture: Int, _ image: GeneratedImage) {
    guard let writer, let plan else { return }
    batch.append(image)
    guard batch.count == plan.batch || picture + 1 == plan.pictures else { return }
    do { try writer.write(batch, from: picture + 1 - batch.count) } catch { writingError = error }
    batch = []
  }

  private func hear(_ event: GenerationEvent) {
    switch event {
    case .started(let plan):
      self.plan = plan
      preview = makePreview(plan)
    case .token(let state):
      if firstToken == nil {
        firstToken = ProcessClock.seconds
        tokenizer?.start()
        hashing?.start()
      }
      progress.update(state.tokens, of: state.totalTokens, unit: "tokens")
    case .rows(let picture, let lines, let tokens):
      preview?.finished(picture: picture, lines: lines, tokens: tokens)
    case .image(let picture, let image): gather(picture, image)
    case .profiled, .evicted, .finished: break
    }
  }
}

/// A run that was ended, and what it leaves.
struct CancelledDrawing: Error {
  /// Files of pictures that were written.
  let pictures: Int
  let preview: String?
  /// The file of tokens, if it was written.
  let tokens: String?

  var whatStays: String {
    let files =
      pictures == 0 ? nil : pictures == 1 ? "1 picture was written" : "\(pictures) pictures were written"
    let said = [
      files, tokens.map { "the tokens are in \($0)" },
      preview.map { "the last preview is \($0)" },
    ].compactMap { $0 }
    return said.isEmpty ? "no output was written" : said.joined(separator: "; ")
  }
}
