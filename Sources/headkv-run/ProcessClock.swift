import Foundation
import Synchronization

/// Time since this process was started.
enum ProcessClock {
  private static let main = Mutex<ContinuousClock.Instant?>(nil)

  /// To be called first of all.
  static func enterMain() { main.withLock { $0 = .now } }

  /// Seconds since the system started the process, to a hundredth, so that the loading of libraries
  /// counts; where the system does not tell, since `main` began.
  static var seconds: Double {
    let inMain = main.withLock { start in
      start.map { Double((ContinuousClock.now - $0) / .microseconds(1)) / 1e6 } ?? 0
    }
    return max(sinceStart ?? 0, inMain)
  }

  private static var sinceStart: Double? {
    #if os(Linux)
      guard let text = try? String(contentsOfFile: "/proc/self/stat", encoding: .utf8),
        let name = text.lastIndex(of: ")")
      else { return nil }
      // The start is the 22nd field, in ticks since boot; the third follows the name.
      let fields = text[text.index(after: name)...].split(separator: " ")
      guard fields.count > 19, let ticks = Double(fields[19]) else { return nil }
      var now = timespec()
      clock_gettime(CLOCK_BOOTTIME, &now)
      return Double(now.tv_sec) + Double(now.tv_nsec) / 1e9
        - ticks / Double(sysconf(Int32(_SC_CLK_TCK)))
    #else
      return nil
    #endif
  }
}
