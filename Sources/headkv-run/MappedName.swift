import Foundation

/// Which file is mapped at an address, as `/proc/self/maps` has it. Safe in a signal handler.
enum MappedName {
  /// Writes the path of the file to standard error; false if there is none.
  static func write(of address: UInt) -> Bool {
    let file = SignalText.open("/proc/self/maps")
    guard file >= 0 else { return false }
    defer { close(file) }
    return withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 4096) { buffer in
      var line = Line()
      while let base = buffer.baseAddress {
        let count = read(file, base, buffer.count)
        if count <= 0 { return false }
        for at in 0..<count {
          if line.isPath(base[at], at: address) {
            SignalText.write(base + at, 1)
          } else if base[at] == UInt8(ascii: "\n") {
            if line.isFound { return true }
            line = Line()
          }
        }
      }
      return false
    }
  }

  /// As much of a line as was read: `start-end permissions offset device inode path`.
  private struct Line {
    private var start: UInt = 0
    private var end: UInt = 0
    private var isInEnd = false
    private var field = 0
    private var isAfterSpace = false
    private(set) var isFound = false

    /// Whether the next byte of the line belongs to the path of what is mapped at `address`.
    mutating func isPath(_ byte: UInt8, at address: UInt) -> Bool {
      if byte == UInt8(ascii: "\n") { return false }
      if byte == UInt8(ascii: " "), field < 5 || isAfterSpace {
        if !isAfterSpace { field += 1 }
        isAfterSpace = true
        return false
      }
      isAfterSpace = false
      guard field == 0 else {
        guard field == 5, start <= address, address < end else { return false }
        isFound = true
        return true
      }
      if byte == UInt8(ascii: "-") {
        isInEnd = true
      } else {
        let digit = UInt(byte < 0x3a ? byte &- 0x30 : byte &- 0x57)
        if isInEnd { end = end << 4 | digit } else { start = start << 4 | digit }
      }
      return false
    }
  }
}
