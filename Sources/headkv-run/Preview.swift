import Foundation
import HeadKV
import Synchronization

/// Redraws the finished lines of the batch in progress as a sheet, every few lines.
///
/// Works on a thread of its own, in what time the drawing leaves: while it decodes, newer lines take
/// the place of those that wait. The file is whole at any moment.
final class Preview: Sendable {
  private struct State {
    /// Tokens so far of the pictures of the batch, as they come in.
    var gathered: [[Int32]] = []
    /// What is to be shown next.
    var waiting: [[Int32]]?
    var isEnded = false
    var isWritten = false
  }

  let path: String
  private let every: Int
  private let columns: Int
  private let plan: GenerationPlan
  private let tokenizer: TokenizerLoading
  private let state = Mutex(State())
  private let work = DispatchSemaphore(value: 0)
  private let done = DispatchSemaphore(value: 0)

  /// - Parameters:
  ///   - every: lines of the grid from one preview to the next.
  ///   - columns: of the sheet.
  init(
    _ path: String, every: Int, columns: Int, plan: GenerationPlan, tokenizer: TokenizerLoading
  ) {
    self.path = path
    self.every = every
    self.columns = columns
    self.plan = plan
    self.tokenizer = tokenizer
    let thread = Thread { [self] in
      // Drawing comes first. On Linux this is the niceness of the thread alone.
      #if os(Linux)
        _ = nice(5)
      #endif
      serve()
      done.signal()
    }
    thread.name = "headkv-preview"
    thread.start()
  }

  /// Takes note of a picture's finished lines.
  func finished(picture: Int, lines: Int, tokens: [Int32]) {
    guard lines % every == 0 || lines == plan.grid.height else { return }
    let isWhole = state.withLock { state in
      if picture % plan.batch == 0 { state.gathered = [] }
      state.gathered.append(tokens)
      guard (picture + 1) % plan.batch == 0 || picture + 1 == plan.pictures else { return false }
      state.waiting = state.gathered
      return true
    }
    if isWhole { work.signal() }
  }

  /// Ends previews; the last one stays as it is. Waits for a file that is being written, not for one
  /// that is being decoded.
  func abandon() {
    state.withLock { $0.isEnded = true }
    work.signal()
  }

  /// Ends previews and writes the finished pictures of the last batch; there may be others before
  /// them.
  func finish(_ pictures: [RGBImage], text: [(String, String)]) throws {
    abandon()
    done.wait()
    done.signal()
    guard !pictures.isEmpty else { return }
    let last = pictures.lastBatch(of: plan.batch)
    try PNG.write(OutputPaths.sheet(last, columns: columns), to: path, text: text)
  }

  /// Waits until the thread has ended; ``abandon()`` comes first.
  func join() {
    done.wait()
    done.signal()
  }

  /// Whether there is a preview.
  var isWritten: Bool { state.withLock { $0.isWritten } }

  private func serve() {
    while true {
      work.wait()
      let (ended, tokens) = state.withLock { state in
        defer { state.waiting = nil }
        return (state.isEnded, state.waiting)
      }
      if ended { return }
      guard let tokens else { continue }
      // Drawing does not end for it: what cannot be shown is tried again at the next lines, and the
      // last preview says why not.
      try? show(tokens)
    }
  }

  private func show(_ tokens: [[Int32]]) throws {
    let tokenizer = try tokenizer.value()
    var pictures: [RGBImage] = []
    for tokens in tokens {
      if state.withLock({ $0.isEnded }) { return }
      pictures.append(try PartialPicture.decode(tokens, grid: plan.grid, tokenizer))
    }
    let bytes = try PNG.encode(OutputPaths.sheet(pictures, columns: columns))
    // Under the lock, so that a run that ends does not leave a file half written.
    try state.withLock { state in
      if state.isEnded { return }
      try PNG.write(encoded: bytes, to: path)
      state.isWritten = true
    }
  }
}

/// A picture of which the first lines of the grid are drawn.
enum PartialPicture {
  static let grey: UInt8 = 128

  /// Decodes the lines alone: as far as they go the picture is near that of all lines, not the same,
  /// as the decoder looks at the whole. What is missing is grey.
  static func decode(
    _ tokens: [Int32], grid: TokenGrid, _ tokenizer: VQTokenizer
  ) throws -> RGBImage {
    let top = try tokenizer.image(
      tokens: tokens, width: grid.width, height: tokens.count / grid.width)
    let height = grid.height * tokenizer.downsampling
    let missing = 3 * top.width * (height - top.height)
    return try RGBImage(
      width: top.width, height: height,
      pixels: top.pixels + [UInt8](repeating: grey, count: missing))
  }
}

extension Array {
  /// What is left for the last batch, if all others have `size`.
  func lastBatch(of size: Int) -> [Element] {
    isEmpty ? [] : Array(suffix((count - 1) % size + 1))
  }
}
