import Foundation

/// What a signal handler may do: no memory, no locks, only system calls.
enum SignalText {
  static func write(_ text: StaticString) { write(text.utf8Start, text.utf8CodeUnitCount) }

  static func write(_ bytes: UnsafePointer<UInt8>, _ count: Int) {
    var done = 0
    while done < count {
      let written = Foundation.write(STDERR_FILENO, bytes + done, count - done)
      if written <= 0 { return }
      done += written
    }
  }

  /// A number of bytes in MiB.
  static func write(mebibytes bytes: Int) {
    withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 24) { digits in
      var at = digits.count
      var rest = max(bytes, 0) >> 20
      repeat {
        at -= 1
        digits[at] = 0x30 + UInt8(rest % 10)
        rest /= 10
      } while rest > 0
      if let base = digits.baseAddress { write(base + at, digits.count - at) }
    }
    write(" MiB")
  }

  static func open(_ path: StaticString) -> Int32 {
    Foundation.open(
      UnsafeRawPointer(path.utf8Start).assumingMemoryBound(to: CChar.self), O_RDONLY | O_CLOEXEC)
  }

  /// The first bytes of a file of the system; how many were read.
  static func read(_ path: StaticString, into buffer: UnsafeMutableRawBufferPointer) -> Int {
    let file = open(path)
    guard file >= 0 else { return 0 }
    defer { close(file) }
    return max(Foundation.read(file, buffer.baseAddress, buffer.count), 0)
  }

  static func isIgnored(_ action: sigaction) -> Bool {
    #if canImport(Glibc)
      let handler = action.__sigaction_handler.sa_handler
    #else
      let handler = action.__sigaction_u.__sa_handler
    #endif
    return unsafeBitCast(handler, to: Int.self) == unsafeBitCast(SIG_IGN, to: Int.self)
  }
}
