import Foundation
import Synchronization

/// Ctrl-C and its like: noticed once a token, so that nothing is left half done.
enum Interrupt {
  /// The signal that asked for the end; 0 while there is none.
  private static let signalled = Atomic<Int32>(0)

  static var isRequested: Bool { signalled.load(ordering: .relaxed) != 0 }

  /// What the shell expects of a process that a signal ended: 130 after Ctrl-C.
  static var exitCode: Int32 { 128 + signalled.load(ordering: .relaxed) }

  /// Catches SIGINT, SIGTERM and SIGHUP, also if the parent process started this one with them
  /// blocked; a SIGHUP that is ignored, as under `nohup`, stays so. The second signal ends the
  /// process at once: files that are being written have no name yet.
  static func install() {
    var signals = sigset_t()
    sigemptyset(&signals)
    for number in [SIGINT, SIGTERM, SIGHUP] {
      sigaddset(&signals, number)
      var old = sigaction()
      sigaction(number, nil, &old)
      if number == SIGHUP, SignalText.isIgnored(old) { continue }
      signal(number) { number in
        if Interrupt.signalled.exchange(number, ordering: .relaxed) != 0 { _exit(128 + number) }
      }
    }
    sigprocmask(SIG_UNBLOCK, &signals, nil)
    // Writing then fails with a reason: a pipe that nobody reads, a limit on the size of files.
    signal(SIGPIPE, SIG_IGN)
    signal(SIGXFSZ, SIG_IGN)
  }
}
