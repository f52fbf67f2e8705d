import Foundation
import Synchronization

/// Hands events from the thread that draws to the task that reads them.
///
/// Holds a bounded number: when it is full the drawing thread waits. Progress that nobody has read
/// yet gives way to newer progress.
///
/// A reader is resumed when the lock has been given back: the runtime calls ``cancel()`` under a lock
/// of its own, which resuming takes, too.
final class EventQueue: Sendable {
  private typealias Reader = CheckedContinuation<GenerationEvent?, any Error>

  private struct State {
    var events: [GenerationEvent] = []
    /// The task that waits for the next event.
    var reader: Reader?
    /// Whether the drawing thread waits for room.
    var isDrawerWaiting = false
    /// Set when drawing has ended; a failure is told once.
    var end: Result<Void, any Error>?
  }

  private let capacity: Int
  private let state = Mutex(State())
  private let room = DispatchSemaphore(value: 0)
  private let cancelled = Atomic<Bool>(false)

  init(capacity: Int) { self.capacity = capacity }

  // MARK: - The drawing thread

  /// Asked after each token; takes no lock.
  var isCancelled: Bool { cancelled.load(ordering: .relaxed) }

  /// Adds an event; waits while the queue is full. Does nothing once it is cancelled.
  func put(_ event: GenerationEvent) {
    while !isCancelled {
      switch state.withLock({ store(event, &$0) }) {
      case .stored: return
      case .full: room.wait()
      case .awaited(let reader): return reader.resume(returning: event)
      }
    }
  }

  private enum Storing {
    case stored, full
    /// A reader waits for it.
    case awaited(Reader)
  }

  private func store(_ event: GenerationEvent, _ state: inout State) -> Storing {
    if let reader = state.reader {
      state.reader = nil
      return .awaited(reader)
    }
    if case .token = event, case .token? = state.events.last {
      state.events[state.events.count - 1] = event
      return .stored
    }
    // Looked at under the lock, so that a cancellation that follows finds the drawer waiting.
    if isCancelled { return .stored }
    if state.events.count < capacity {
      state.events.append(event)
      return .stored
    }
    state.isDrawerWaiting = true
    return .full
  }

  /// Says that nothing follows.
  func close(_ end: Result<Void, any Error>) {
    let waiting = state.withLock { state -> (Reader, Result<GenerationEvent?, any Error>)? in
      state.end = end
      guard let reader = state.reader else { return nil }
      state.reader = nil
      return (reader, Self.take(&state))
    }
    if let (reader, result) = waiting { reader.resume(with: result) }
  }

  // MARK: - The reading task

  /// The next event; nil when there are no more.
  ///
  /// - Throws: what drawing has thrown, or `CancellationError`.
  func next() async throws -> GenerationEvent? {
    try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { reader in
        if let result = state.withLock({ answer(reader, &$0) }) { reader.resume(with: result) }
      }
    } onCancel: {
      cancel()
    }
  }

  /// What there is to read; nil if the reader has to wait.
  private func answer(
    _ reader: Reader, _ state: inout State
  ) -> Result<GenerationEvent?, any Error>? {
    if isCancelled { return .failure(CancellationError()) }
    if !state.events.isEmpty || state.end != nil {
      wakeDrawer(&state)
      return Self.take(&state)
    }
    precondition(state.reader == nil, "one task at a time reads events")
    state.reader = reader
    return nil
  }

  /// Ends drawing after the token at hand and forgets what nobody has read. Nothing happens once
  /// drawing has ended.
  func cancel() {
    let reader = state.withLock { state -> Reader? in
      guard state.end == nil else { return nil }
      cancelled.store(true, ordering: .relaxed)
      state.events = []
      wakeDrawer(&state)
      defer { state.reader = nil }
      return state.reader
    }
    reader?.resume(throwing: CancellationError())
  }

  private func wakeDrawer(_ state: inout State) {
    guard state.isDrawerWaiting else { return }
    state.isDrawerWaiting = false
    room.signal()
  }

  private static func take(_ state: inout State) -> Result<GenerationEvent?, any Error> {
    if !state.events.isEmpty { return .success(state.events.removeFirst()) }
    if case .failure(let error) = state.end {
      state.end = .success(())
      return .failure(error)
    }
    return .success(nil)
  }
}
