import Foundation
import HeadKVFiles
import Synchronization

/// What the tool says: people's text on standard error when JSON is on standard output.
enum Output {
  static func error(_ text: String) { write("headkv-run: \(text)\n", to: .standardError) }

  static func text(_ text: String, json: Bool, quiet: Bool) {
    if quiet { return }
    write(text + "\n", to: json ? .standardError : .standardOutput)
  }

  static func json(_ value: some Encodable) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    write(String(decoding: try encoder.encode(value), as: UTF8.self) + "\n", to: .standardOutput)
  }

  /// What standard output did not take first, if anything.
  private static let failure = Mutex<FileError?>(nil)

  /// - Throws: ``FileError`` if standard output did not take all that was said. A pipe whose reader
  ///   has left is no error: it has what it wanted.
  static func check() throws { if let error = failure.withLock({ $0 }) { throw error } }

  static func write(_ text: String, to handle: FileHandle) {
    let bytes = Array(text.utf8)
    var done = 0
    while done < bytes.count {
      let count = bytes.withUnsafeBytes {
        Foundation.write(handle.fileDescriptor, $0.baseAddress! + done, bytes.count - done)
      }
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else {
        guard errno != EPIPE, handle === FileHandle.standardOutput else { return }
        let error = FileError(path: "standard output", call: "write")
        return failure.withLock { $0 = $0 ?? error }
      }
      done += count
    }
  }

  /// Writes a file, whole or not at all.
  static func file(_ data: Data, to path: String) throws {
    try AtomicFile.write(to: path, failure: { $0 }) { file throws(FileError) in
      try file.append([UInt8](data))
    }
  }

  static func bytes(_ count: Int) -> String {
    let units = ["B", "KiB", "MiB", "GiB", "TiB"]
    var value = Double(count)
    var unit = 0
    while value >= 1024 && unit + 1 < units.count {
      value /= 1024
      unit += 1
    }
    return unit == 0 ? "\(count) B" : String(format: "%.2f %@", value, units[unit])
  }

  /// Most memory that this process has held, in bytes.
  static var peakMemory: Int {
    #if os(Linux)
      if let held = highWaterMark() { return held }
    #endif
    var usage = rusage()
    #if canImport(Darwin)
      getrusage(RUSAGE_SELF, &usage)
      return usage.ru_maxrss
    #else
      getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
      return usage.ru_maxrss * 1024
    #endif
  }

  /// What Linux says of this program alone; `getrusage` counts what its parent held at the fork.
  private static func highWaterMark() -> Int? {
    guard let status = try? String(contentsOfFile: "/proc/self/status", encoding: .utf8) else {
      return nil
    }
    let line = status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") }
    return line?.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap { Int($0) }.map { $0 * 1024 }
  }
}
