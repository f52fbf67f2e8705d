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

  package var description: String { "\(path): \(call) failed: \(reason)" }
}

/// Files that appear whole or not at all.
package enum AtomicFile {
  /// Takes the bytes of a file that is being written.
  package struct Writer: ~Copyable {
    fileprivate let descriptor: Int32
    fileprivate let path: String

    /// - Throws: ``FileError`` if the system does not take all of `values`.
    package func append<Element: BitwiseCopyable>(_ values: [Element]) throws(FileError) {
      let total = values.count * MemoryLayout<Element>.stride
      var done = 0
      while done < total {
        let count = unsafe values.withUnsafeBytes { bytes in
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
    }
  }

  /// Lets `body` write a neighbour of `path`, which then takes its place.
  ///
  /// - Throws: what `body` throws or, converted by `failure`, a ``FileError``; `path` is then as it
  ///   was and the neighbour gone.
  package static func write<E: Error>(
    to path: String, failure: (FileError) -> E, _ body: (borrowing Writer) throws(E) -> Void
  ) throws(E) {
    let slash = path.lastIndex(of: "/")
    let folder = slash.map { String(path[...$0]) } ?? ""
    let part = folder + ".headkv-" + String(UInt64.random(in: 0 ... .max), radix: 16) + ".part"
    let descriptor = unsafe open(part, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else { throw failure(FileError(path: path, call: "open")) }
    do throws(E) {
      do throws(E) {
        try body(Writer(descriptor: descriptor, path: path))
        guard fsync(descriptor) == 0 else { throw failure(FileError(path: path, call: "fsync")) }
      } catch {
        close(descriptor)
        throw error
      }
      guard close(descriptor) == 0 else { throw failure(FileError(path: path, call: "close")) }
      guard unsafe rename(part, path) == 0 else {
        throw failure(FileError(path: path, call: "rename"))
      }
    } catch {
      _ = unsafe unlink(part)
      throw error
    }
  }
}
