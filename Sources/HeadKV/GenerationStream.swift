import Foundation
import HeadKVModels
import Synchronization

/// What happens while pictures are drawn, as a sequence that is read with `for try await`.
///
/// Drawing runs on a thread of its own, never on the cooperative pool, and starts when the first
/// event is asked for. It ends within a token, its threads and memory given back, when the task that
/// reads is cancelled (which then gets a `CancellationError`) or when the stream and its iterators
/// are gone.
///
/// At most `buffer` events wait to be read: then drawing waits for its reader. None is lost, but
/// progress (``GenerationEvent/token(_:)``) that nobody has read yet gives way to newer progress.
/// One task at a time may read; a second one traps.
public struct GenerationStream: AsyncSequence, Sendable {
  public struct AsyncIterator: AsyncIteratorProtocol {
    fileprivate let drawing: BackgroundDrawing

    /// The next event; nil when there are no more.
    ///
    /// - Throws: what drawing throws, or `CancellationError`.
    public func next() async throws -> GenerationEvent? {
      drawing.start()
      return try await drawing.queue.next()
    }
  }

  private let drawing: BackgroundDrawing

  fileprivate init(_ drawing: BackgroundDrawing) { self.drawing = drawing }

  public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(drawing: drawing) }
}

extension Generator {
  /// Draws one picture for each class; picture i with seed + i. Otherwise as
  /// ``events(_:telling:buffer:)``.
  public func events(
    classes: [Int], telling kinds: GenerationEventKinds = .all, buffer: Int = 64
  ) throws(ModelError) -> GenerationStream {
    try events(
      PictureRequest.pictures(classes.map { .category($0) }, seed: options.seed), telling: kinds,
      buffer: buffer)
  }

  /// Draws pictures on a thread of its own and tells what happens.
  ///
  /// - Parameters:
  ///   - kinds: what to tell.
  ///   - buffer: events that may wait to be read, at least one.
  /// - Throws: ``ModelError`` for a condition that is not the model's.
  /// - Precondition: `buffer` is positive.
  public func events(
    _ pictures: [PictureRequest], telling kinds: GenerationEventKinds = .all, buffer: Int = 64
  ) throws(ModelError) -> GenerationStream {
    precondition(buffer > 0, "a stream has room for an event")
    try check(pictures)
    return GenerationStream(
      BackgroundDrawing(self, pictures, kinds, queue: EventQueue(capacity: buffer)))
  }
}

/// A run on a thread of its own, which ends when nobody holds this any more.
private final class BackgroundDrawing: Sendable {
  let queue: EventQueue
  private let generator: Generator
  private let pictures: [PictureRequest]
  private let kinds: GenerationEventKinds
  private let isStarted = Atomic<Bool>(false)

  init(
    _ generator: Generator, _ pictures: [PictureRequest], _ kinds: GenerationEventKinds,
    queue: EventQueue
  ) {
    self.generator = generator
    self.pictures = pictures
    self.kinds = kinds
    self.queue = queue
  }

  deinit { queue.cancel() }

  func start() {
    guard !isStarted.exchange(true, ordering: .relaxed) else { return }
    // Without a reference to this object, whose end is to be noticed.
    let thread = Thread { [generator, pictures, kinds, queue] in
      queue.close(
        Result {
          _ = try generator.run(
            pictures, kinds, observers: { _, _ in [] }, isCancelled: { queue.isCancelled },
            emit: { queue.put($0) })
        })
    }
    thread.name = "headkv-draw"
    thread.start()
  }
}
