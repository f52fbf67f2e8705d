import Foundation
import HeadKV
import HeadKVMath

/// Room for memory that the limits of this process leave.
enum MemoryRoom {
  /// Bytes of address space below the limit (`ulimit -v`), and the limit; nil if there is none.
  /// Safe in a signal handler.
  static var addressSpace: (left: Int, limit: Int)? {
    #if os(Linux)
      var limit = rlimit()
      guard getrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &limit) == 0,
        limit.rlim_cur < rlim_t(Int.max)
      else { return nil }
      // The first number of the file: pages of address space.
      let pages = withUnsafeTemporaryAllocation(byteCount: 64, alignment: 1) { buffer in
        let count = SignalText.read("/proc/self/statm", into: buffer)
        return buffer[..<count].prefix { 0x30...0x39 ~= $0 }.reduce(0) { $0 * 10 + Int($1 - 0x30) }
      }
      let used = pages * sysconf(Int32(_SC_PAGESIZE))
      return (max(Int(limit.rlim_cur) - used, 0), Int(limit.rlim_cur))
    #else
      return nil
    #endif
  }

  /// Bytes of memory that the machine can still give, swap included; nil if it does not say.
  private static var machine: Int? {
    guard let text = try? String(contentsOfFile: "/proc/meminfo", encoding: .utf8) else { return nil }
    let numbers = ["MemAvailable:", "SwapFree:"].compactMap { name in
      text.split(separator: "\n").first { $0.hasPrefix(name) }?
        .split(separator: " ").dropFirst().first.flatMap { Int($0) }
    }
    return numbers.isEmpty ? nil : numbers.reduce(0, +) * 1024
  }

  /// Address space that a thread reserves: a stack, an arena of the C library and a buffer of
  /// OpenBLAS, which asks for it forever if there is none.
  private static let thread = 200 << 20

  /// - Throws: ``OptionError`` if the address space does not hold `count` threads that compute, the
  ///   one that loads and those that OpenBLAS starts, one for each further processor.
  static func requireThreads(_ count: Int) throws(OptionError) {
    guard let space = addressSpace else { return }
    let bytes = (count + WorkerPool.availableProcessors) * thread
    if bytes > space.left { throw error("\(count) thread\(count == 1 ? "" : "s")", bytes, space) }
  }

  private static func error(
    _ what: String, _ bytes: Int, _ space: (left: Int, limit: Int)
  ) -> OptionError {
    OptionError(
      "address space for \(what)", Output.bytes(bytes),
      "at most \(Output.bytes(space.left)), which the limit of \(Output.bytes(space.limit)) leaves")
  }

  /// - Throws: ``OptionError`` naming what does not fit, if `bytes` are not to be had.
  static func require(_ bytes: Int, for what: String) throws(OptionError) {
    if let space = addressSpace, bytes > space.left { throw error(what, bytes, space) }
    for (room, place) in [(ControlGroup.current.memoryLeft, "its control group"), (machine, "the machine")] {
      guard let room, bytes > room else { continue }
      throw OptionError(
        "memory for \(what)", Output.bytes(bytes),
        "at most \(Output.bytes(room)), which \(place) has left")
    }
  }
}
