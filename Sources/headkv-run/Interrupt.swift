import Foundation
import Synchronization

/// Ctrl-C: noticed once a token, so that nothing is left half done.
enum Interrupt {
  private static let seen = Atomic<Bool>(false)

  static var isRequested: Bool { seen.load(ordering: .relaxed) }

  static func install() {
    signal(SIGINT) { _ in Interrupt.seen.store(true, ordering: .relaxed) }
    signal(SIGTERM) { _ in Interrupt.seen.store(true, ordering: .relaxed) }
    signal(SIGPIPE, SIG_IGN)
  }
}
