import Foundation
import HeadKVMath

/// Memory that a process may still take.
package enum AvailableMemory {
  /// Bytes, as the system and the control group allow; nil where the system does not tell.
  package static var bytes: Int? {
    let info = (try? String(contentsOfFile: "/proc/meminfo", encoding: .utf8)) ?? ""
    return [bytes(memoryInfo: info), ControlGroup.current.memoryLeft].compactMap { $0 }.min()
  }

  /// What the text of `/proc/meminfo` says.
  package static func bytes(memoryInfo: String) -> Int? {
    let line = memoryInfo.split(separator: "\n").first { $0.hasPrefix("MemAvailable:") }
    return line?.split(whereSeparator: \.isWhitespace).dropFirst().first
      .flatMap { Int($0) }.map { $0 << 10 }
  }
}
