import Foundation
import HeadKV
import Synchronization

/// A tokenizer that is loaded on a thread of its own while tokens are drawn: the first token does
/// not wait for it.
final class TokenizerLoading: Sendable {
  private let catalog: TensorCatalog
  private let isStarted = Atomic<Bool>(false)
  private let result = Mutex<Result<VQTokenizer, any Error>?>(nil)
  private let done = DispatchSemaphore(value: 0)

  /// Reads the directory of the file, not its weights.
  ///
  /// - Throws: if it holds no tokenizer, or one with other codes than the GPT's.
  init(_ path: String, for gpt: GPT) throws {
    catalog = try TensorCatalog.open(path)
    let codes = try VQTokenizer.outline(catalog).codebookSize
    guard codes == gpt.configuration.vocabulary else {
      throw ModelError.contradiction(
        file: path, what: "the number of codes",
        said: "\(gpt.configuration.vocabulary) by the GPT", found: "\(codes)")
    }
  }

  /// Begins to load, if that has not begun.
  func start() {
    guard !isStarted.exchange(true, ordering: .relaxed) else { return }
    let thread = Thread { [self] in
      let loaded = Result { try VQTokenizer(catalog) }
      result.withLock { $0 = loaded }
      done.signal()
    }
    thread.name = "headkv-vq"
    thread.start()
  }

  /// Why loading has failed, if it has.
  var error: (any Error)? {
    result.withLock {
      if case .failure(let error) = $0 { error } else { nil }
    }
  }

  /// The tokenizer, once it is loaded.
  func value() throws -> VQTokenizer {
    start()
    done.wait()
    defer { done.signal() }
    return try result.withLock { try $0!.get() }
  }
}
