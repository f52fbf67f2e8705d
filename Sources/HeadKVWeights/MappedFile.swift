internal import HeadKVFiles

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// The bytes of a file, mapped read-only, or a copy of bytes given in memory.
///
/// Nothing is read until it is touched, so opening costs no copy. A file that another process
/// shortens while it is mapped raises SIGBUS on access, as with any mapping.
@safe final class MappedFile: @unchecked Sendable {
  let path: String
  let count: Int
  private let base: UnsafeRawPointer
  private let isMapped: Bool

  /// All bytes of the file. Valid while this object lives.
  @unsafe var bytes: UnsafeRawBufferPointer {
    unsafe UnsafeRawBufferPointer(start: base, count: count)
  }

  /// Maps the regular file at `path`. Throws when a system call fails.
  init(path: String) throws(WeightError) {
    let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
    if descriptor < 0 { throw systemError(path, "open") }
    defer { close(descriptor) }
    var status = stat()
    if unsafe fstat(descriptor, &status) != 0 { throw systemError(path, "fstat") }
    guard status.st_mode & S_IFMT == S_IFREG else {
      throw WeightError(file: path, problem: .unsupported("not a regular file"))
    }
    let size = Int(status.st_size)
    self.path = path
    if size == 0 {
      unsafe self.base = UnsafeRawPointer(
        UnsafeMutableRawPointer.allocate(byteCount: 1, alignment: 64))
      self.count = 0
      self.isMapped = false
      return
    }
    let address = unsafe mmap(nil, size, PROT_READ, MAP_PRIVATE, descriptor, 0)
    guard let address = unsafe address, unsafe address != MAP_FAILED else {
      throw systemError(path, "mmap")
    }
    unsafe self.base = UnsafeRawPointer(address)
    self.count = size
    self.isMapped = true
  }

  /// Copies `contents` to memory aligned to 64 bytes.
  init(contents: [UInt8], name: String) {
    let memory = UnsafeMutableRawPointer.allocate(
      byteCount: max(contents.count, 1), alignment: 64)
    unsafe contents.withUnsafeBytes { source in
      if let start = source.baseAddress {
        unsafe memory.copyMemory(from: start, byteCount: source.count)
      }
    }
    path = name
    count = contents.count
    unsafe base = UnsafeRawPointer(memory)
    isMapped = false
  }

  /// Asks for huge pages, and so for long reads: the weights will be walked again and again.
  ///
  /// Walking them in pages of 4 KB costs up to a fifth of the bandwidth.
  func preferHugePages() {
    guard isMapped else { return }
    #if os(Linux)
      // Advice: a file system that has no huge pages ignores it.
      _ = unsafe madvise(UnsafeMutableRawPointer(mutating: base), count, Int32(MADV_HUGEPAGE))
    #endif
  }

  /// Gives back the whole pages inside `range`.
  func forget(_ range: Range<Int>) {
    guard isMapped else { return }
    let page = Int(sysconf(Int32(_SC_PAGESIZE)))
    let first = (range.lowerBound + page - 1) / page * page
    let end = range.upperBound / page * page
    guard first < end else { return }
    // Advice: the mapping is read-only, so nothing is lost either way.
    _ = unsafe madvise(UnsafeMutableRawPointer(mutating: base + first), end - first, MADV_DONTNEED)
  }

  deinit {
    if isMapped {
      unsafe munmap(UnsafeMutableRawPointer(mutating: base), count)
    } else {
      unsafe base.deallocate()
    }
  }
}

/// The error for a system call that has just failed, from `errno`.
func systemError(_ path: String, _ call: String) -> WeightError {
  WeightError(FileError(path: path, call: call))
}
