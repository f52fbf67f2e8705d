import Foundation

/// How many processors there are for this process.
package struct ProcessorCount: Sendable, Equatable {
  /// Those that the machine has switched on.
  package let active: Int
  /// Those that the process's affinity allows; nil where the system does not tell.
  package let allowed: Int?
  /// The processors' worth of time that control groups grant; nil without a limit.
  package let quota: Double?

  package init(active: Int, allowed: Int?, quota: Double?) {
    self.active = active
    self.allowed = allowed
    self.quota = quota
  }

  package static var current: ProcessorCount {
    let status = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
    return ProcessorCount(
      active: ProcessInfo.processInfo.activeProcessorCount, allowed: allowed(status: status),
      quota: ControlGroup.current.processors)
  }

  /// Threads that can run at the same time: at least one. Part of a processor counts as one.
  package var usable: Int {
    let least = min(Double(active), Double(allowed ?? active), quota ?? .infinity)
    return max(Int(least.rounded(.up)), 1)
  }

  /// The processors that `/proc/self/status` allows: the bits of a mask in hexadecimal digits.
  package static func allowed(status: String) -> Int? {
    let line = status.split(separator: "\n").first { $0.hasPrefix("Cpus_allowed:") }
    guard let mask = line?.split(whereSeparator: \.isWhitespace).dropFirst().first else {
      return nil
    }
    let digits = mask.filter { $0 != "," }.map(\.hexDigitValue)
    let count = digits.reduce(0) { $0 + ($1?.nonzeroBitCount ?? 0) }
    return digits.contains(nil) || count == 0 ? nil : count
  }
}
