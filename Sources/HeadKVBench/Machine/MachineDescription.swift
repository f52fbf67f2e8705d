import Foundation
import HeadKVMath

/// What a figure depends on beside its settings; a part of every row that is written.
package struct MachineDescription: Sendable, Equatable {
  package var cpu: String
  /// The instruction set whose kernels run.
  package var kernels: String
  package var threads: Int
  /// Threads that wanted a processor in the last minute, on average: on a busy machine times and
  /// their ratios say little.
  package var load: Double
  /// Of the sources, or the tool's version where there are none.
  package var commit: String
  /// ISO 8601, UTC.
  package var date: String

  package init(
    cpu: String, kernels: String, threads: Int, load: Double, commit: String, date: String
  ) {
    self.cpu = cpu
    self.kernels = kernels
    self.threads = threads
    self.load = load
    self.commit = commit
    self.date = date
  }

  /// This machine, now.
  package static func current(threads: Int, version: String) -> MachineDescription {
    MachineDescription(
      cpu: cpuName, kernels: Kernels.instructionSet, threads: threads, load: loadAverage,
      commit: SourceRevision.current ?? "version \(version)",
      date: Date.now.formatted(.iso8601))
  }

  private static var loadAverage: Double {
    var load = 0.0
    return unsafe getloadavg(&load, 1) == 1 ? load : 0
  }

  package static var memoryBytes: Int { Int(clamping: ProcessInfo.processInfo.physicalMemory) }

  #if os(Linux)
    package static var cpuName: String {
      let info = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)) ?? ""
      return cpuName(cpuInfo: info) ?? "unknown"
    }

    /// Bytes of the last-level cache, as the system tells them.
    package static var lastLevelCacheBytes: Int? {
      (0..<5).compactMap { index in
        try? String(
          contentsOfFile: "/sys/devices/system/cpu/cpu0/cache/index\(index)/size", encoding: .utf8)
      }.compactMap { text in
        text.hasSuffix("K\n") ? Int(text.dropLast(2)).map { $0 << 10 } : nil
      }.max()
    }
  #else
    package static var cpuName: String { systemText("machdep.cpu.brand_string") ?? "unknown" }

    /// Bytes of the last-level cache, as the system tells them.
    package static var lastLevelCacheBytes: Int? {
      ["hw.l3cachesize", "hw.perflevel0.l2cachesize", "hw.l2cachesize"].compactMap { name in
        var (value, size) = (0, MemoryLayout<Int>.size)
        return unsafe sysctlbyname(name, &value, &size, nil, 0) == 0 && value > 0 ? value : nil
      }.max()
    }

    private static func systemText(_ name: String) -> String? {
      var size = 0
      guard unsafe sysctlbyname(name, nil, &size, nil, 0) == 0, size > 1 else { return nil }
      var bytes = [UInt8](repeating: 0, count: size)
      guard unsafe sysctlbyname(name, &bytes, &size, nil, 0) == 0 else { return nil }
      return String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    }
  #endif

  /// The processor's name in the text of `/proc/cpuinfo`.
  package static func cpuName(cpuInfo: String) -> String? {
    for wanted in ["model name", "Model", "Hardware", "CPU part"] {
      for line in cpuInfo.split(separator: "\n") {
        let parts = line.split(separator: ":", maxSplits: 1)
        if parts.count == 2, parts[0].trimmingCharacters(in: .whitespaces) == wanted {
          return parts[1].trimmingCharacters(in: .whitespaces)
        }
      }
    }
    return nil
  }
}
