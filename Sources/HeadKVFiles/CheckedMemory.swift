import Synchronization

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Memory of a size that the system may not have: weights, caches and scratch.
///
/// There is nothing to fall back to when it is missing, so a failure ends the process: by a trap
/// that names the size, or by what the program has put in its place.
package enum CheckedMemory {
  /// Gets the bytes that were not to be had.
  package typealias Failure = @Sendable (_ byteCount: Int) -> Never

  private static let failure = Mutex<Failure>({ fatalError("out of memory: \($0) bytes") })

  /// Puts `action` in the place of the trap, for the whole process.
  package static func onFailure(_ action: @escaping Failure) { failure.withLock { $0 = action } }

  /// Uninitialised memory, to be given back with ``free(_:)``.
  ///
  /// - Precondition: `alignment` is a power of two and at least the size of a pointer.
  package static func allocate(byteCount: Int, alignment: Int) -> UnsafeMutableRawPointer {
    var memory: UnsafeMutableRawPointer?
    guard unsafe posix_memalign(&memory, alignment, max(byteCount, 1)) == 0,
      let memory = unsafe memory
    else { failure.withLock { $0 }(byteCount) }
    return unsafe memory
  }

  package static func free(_ memory: UnsafeMutableRawPointer) {
    #if canImport(Glibc)
      unsafe Glibc.free(memory)
    #else
      unsafe Darwin.free(memory)
    #endif
  }
}
