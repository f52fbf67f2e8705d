#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// A system call that failed on a file, and the system's reason.
package struct FileError: Error, Equatable, CustomStringConvertible {
  package let path: String
  package let call: String
  package let reason: String

  /// From `errno`, right after the call has failed.
  package init(path: String, call: String) {
    self.path = path
    self.call = call
    let code = errno
    reason = unsafe strerror(code).map { unsafe String(cString: $0) } ?? "error \(code)"
  }

  package var description: String { "\(path): \(call) failed: \(reason)".onOneLine }
}

/// Files that appear whole or not at all.
package enum AtomicFile {
  /// Takes the bytes of a file that is being written.
  ///
  /// They go to the system in pieces of 4 MiB that begin at multiples of it: a file system then
  /// keeps them in pages large enough to be mapped as huge ones.
  package struct Writer: ~Copyable {
    fileprivate let descriptor: Int32
    fileprivate let path: String
    private let pending = Pending()

    private final class Pending {
      var bytes: [UInt8] = []
    }

    private static let pieceSize = 4 << 20

    fileprivate init(descriptor: Int32, path: String) {
      self.descriptor = descriptor
      self.path = path
    }

    /// - Throws: ``FileError`` if the system does not take all of `values`.
    package func append<Element: BitwiseCopyable>(_ values: [Element]) throws(FileError) {
      // The closure must not throw, for it would lose the type of the error.
      let result = unsafe values.withUnsafeBytes { bytes in
        Result { () throws(FileError) in unsafe try append(bytes) }
      }
      try result.get()
    }

    /// - Throws: ``FileError`` if the system does not take all of `bytes`.
    package func append(_ bytes: UnsafeRawBufferPointer) throws(FileError) {
      var at = 0
      while at < bytes.count {
        let count = min(bytes.count - at, Self.pieceSize - pending.bytes.count)
        unsafe pending.bytes.append(contentsOf: bytes[at..<at + count])
        at += count
        if pending.bytes.count == Self.pieceSize { try flush() }
      }
    }

    fileprivate func flush() throws(FileError) {
      let total = pending.bytes.count
      var done = 0
      while done < total {
        let count = unsafe pending.bytes.withUnsafeBytes { bytes in
          #if canImport(Glibc)
            unsafe Glibc.write(descriptor, bytes.baseAddress! + done, total - done)
          #else
            unsafe Darwin.write(descriptor, bytes.baseAddress! + done, total - done)
          #endif
        }
        if count < 0 && errno == EINTR { continue }
        guard count > 0 else { throw FileError(path: path, call: "write") }
        done += count
      }
      pending.bytes.removeAll(keepingCapacity: true)
    }
  }

  /// Lets `body` write a file without a name, which then takes the place of `path`: a process that
  /// is killed meanwhile leaves nothing behind. Where the file system has no such files, it is a
  /// hidden neighbour of `path`.
  ///
  /// What a symbolic link leads to is replaced, not the link. A device or a pipe is written to
  /// directly.
  /// - Throws: what `body` throws or, converted by `failure`, a ``FileError``; `path` is then as it
  ///   was.
  package static func write<E: Error>(
    to path: String, failure: (FileError) -> E, _ body: (borrowing Writer) throws(E) -> Void
  ) throws(E) {
    let target: Target
    do throws(FileError) { target = try Target(path) } catch { throw failure(error) }
    defer { close(target.descriptor) }
    do throws(E) {
      let writer = Writer(descriptor: target.descriptor, path: path)
      try body(writer)
      do throws(FileError) {
        try writer.flush()
        try target.commit()
      } catch { throw failure(error) }
    } catch {
      target.abandon()
      throw error
    }
  }
}
