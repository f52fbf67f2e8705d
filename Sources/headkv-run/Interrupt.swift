import Foundation
import Synchronization

/// Ctrl-C: noticed once a token, so that nothing is left half done.
enum Interrupt {
  private static let seen = Atomic<Bool>(false)

  static var isRequested: Bool { seen.load(ordering: .relaxed) }

  /// Catches SIGINT and SIGTERM, also if the parent process started this one with them blocked.
  static func install() {
    var signals = sigset_t()
    sigemptyset(&signals)
    for number in [SIGINT, SIGTERM] {
      signal(number) { _ in Interrupt.seen.store(true, ordering: .relaxed) }
      sigaddset(&signals, number)
    }
    sigprocmask(SIG_UNBLOCK, &signals, nil)
    signal(SIGPIPE, SIG_IGN)
  }
}
