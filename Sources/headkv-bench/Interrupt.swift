import Foundation
import HeadKVBench

/// Ctrl-C: ends the process at once, with exit code 130, and leaves no temporary files behind.
enum Interrupt {
  /// Catches SIGINT and SIGTERM, also if the parent process started this one with them blocked.
  static func install() {
    var signals = sigset_t()
    sigemptyset(&signals)
    for number in [SIGINT, SIGTERM] {
      // The handler runs on a thread of its own, where it may take locks and remove files.
      signal(number, SIG_IGN)
      let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
      source.setEventHandler {
        TemporaryFolder.removeAll()
        FileHandle.standardError.write(Data("\nheadkv-bench: cancelled\n".utf8))
        _exit(130)
      }
      source.activate()
      sources.append(source)
      sigaddset(&signals, number)
    }
    sigprocmask(SIG_UNBLOCK, &signals, nil)
  }

  /// Written once, before anything else runs.
  nonisolated(unsafe) private static var sources: [any DispatchSourceSignal] = []
}
