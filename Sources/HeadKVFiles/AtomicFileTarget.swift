#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

extension AtomicFile {
  /// Whether a device or a pipe stands there, which is written to in place.
  package static func isStream(_ path: String) -> Bool {
    var status = stat()
    guard unsafe stat(path, &status) == 0 else { return false }
    return ![S_IFREG, S_IFDIR].contains(status.st_mode & S_IFMT)
  }

  /// Where the bytes go until they are complete.
  struct Target {
    private enum Kind {
      /// Takes the bytes at once: a device or a pipe.
      case stream
      case nameless
      case neighbour(String)
    }

    let descriptor: Int32
    /// As the caller named it, for messages.
    private let path: String
    /// The path behind symbolic links.
    private let place: String
    private let part: String
    private let kind: Kind

    /// - Throws: ``FileError`` if nothing can be written there.
    init(_ path: String) throws(FileError) {
      self.path = path
      if AtomicFile.isStream(path) {
        (place, part, kind) = (path, path, .stream)
        descriptor = unsafe open(path, O_WRONLY | O_CLOEXEC)
      } else {
        let place = Self.behindLinks(path)
        self.place = place
        let folder = place.lastIndex(of: "/").map { String(place[...$0]) } ?? ""
        part = folder + ".headkv-" + String(UInt64.random(in: 0 ... .max), radix: 16) + ".part"
        if let nameless = Self.nameless(folder.isEmpty ? "." : folder) {
          (descriptor, kind) = (nameless, .nameless)
        } else {
          kind = .neighbour(part)
          descriptor = unsafe open(part, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
        }
      }
      guard descriptor >= 0 else { throw FileError(path: path, call: "open") }
    }

    /// Puts the file in its place.
    func commit() throws(FileError) {
      if case .stream = kind { return }
      guard fsync(descriptor) == 0 else { throw FileError(path: path, call: "fsync") }
      if case .nameless = kind {
        #if os(Linux)
          guard
            unsafe linkat(
              AT_FDCWD, Self.link(descriptor), AT_FDCWD, part, AT_SYMLINK_FOLLOW) == 0
          else { throw FileError(path: path, call: "linkat") }
        #endif
      }
      guard unsafe rename(part, place) == 0 else {
        let error = FileError(path: path, call: "rename")
        _ = unsafe unlink(part)
        throw error
      }
    }

    /// Leaves no trace of what was written.
    func abandon() {
      if case .neighbour(let part) = kind { _ = unsafe unlink(part) }
    }

    private static func behindLinks(_ path: String) -> String {
      var status = stat()
      guard unsafe lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFLNK,
        let resolved = unsafe realpath(path, nil)
      else { return path }
      defer { unsafe free(resolved) }
      return unsafe String(cString: resolved)
    }

    /// The descriptor of a file that has no name yet; nil where there is no such thing.
    private static func nameless(_ folder: String) -> Int32? {
      #if os(Linux)
        // O_TMPFILE, which Swift does not import.
        let descriptor = unsafe open(
          folder, 0o20000000 | O_DIRECTORY | O_WRONLY | O_CLOEXEC, 0o666)
        if descriptor < 0 { return nil }
        if unsafe access(link(descriptor), F_OK) == 0 { return descriptor }
        close(descriptor)
      #endif
      return nil
    }

    /// The name that Linux gives an open file.
    private static func link(_ descriptor: Int32) -> String { "/proc/self/fd/\(descriptor)" }
  }
}
