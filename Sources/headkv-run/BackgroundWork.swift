import Foundation
import Synchronization

/// Work that is done once, on a thread of its own, while something else goes on.
final class BackgroundWork<Value: Sendable>: Sendable {
  private let name: String
  private let work: @Sendable () throws -> Value
  private let isStarted = Atomic<Bool>(false)
  private let isTaken = Atomic<Bool>(false)
  private let result = Mutex<Result<Value, any Error>?>(nil)
  private let done = DispatchSemaphore(value: 0)

  /// - Parameter name: of the thread.
  init(_ name: String, _ work: @escaping @Sendable () throws -> Value) {
    self.name = name
    self.work = work
  }

  /// Begins, if it has not begun.
  func start() {
    guard !isStarted.exchange(true, ordering: .relaxed) else { return }
    let thread = Thread { [self] in perform() }
    thread.name = name
    thread.start()
  }

  /// Does the work, unless another thread does.
  private func perform() {
    guard !isTaken.exchange(true, ordering: .relaxed) else { return }
    let made = Result { try work() }
    result.withLock { $0 = made }
    done.signal()
  }

  /// Why it has failed, if it has.
  var error: (any Error)? {
    result.withLock {
      if case .failure(let error) = $0 { error } else { nil }
    }
  }

  /// What was made, once it is.
  func value() throws -> Value {
    // The thread may not have come to be, where memory or threads are short.
    perform()
    done.wait()
    defer { done.signal() }
    return try result.withLock { try $0!.get() }
  }
}
