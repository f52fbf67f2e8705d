#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Pages of memory that grow and shrink in place inside a reserved range of addresses.
///
/// Only the pages of `byteCount` can be touched; what is given back is unmapped at once, and
/// growing moves nothing. Addresses that are reserved and not in use cost no memory. Where the
/// system has large pages they are asked for: attention reads the arena from end to end.
@safe
struct CacheArena: ~Copyable {
  /// First byte, on a page boundary; the same for the arena's whole life.
  let base: UnsafeMutableRawPointer
  /// Bytes that the arena can have at most.
  let reserved: Int
  /// Bytes in use, a multiple of the page size.
  private(set) var byteCount: Int

  static let pageSize = Int(sysconf(Int32(_SC_PAGESIZE)))

  /// `bytes` in whole pages.
  static func pages(_ bytes: Int) -> Int { (bytes + pageSize - 1) / pageSize * pageSize }

  /// Reserves addresses for `limit` bytes and maps the pages of the first `bytes`, all zero.
  ///
  /// - Precondition: `0 <= bytes <= limit`. Traps if the system has no memory, as any allocation.
  init(byteCount bytes: Int, reserving limit: Int) {
    precondition(bytes >= 0 && bytes <= limit, "an arena begins within its reservation")
    reserved = max(Self.pages(limit), Self.pageSize)
    unsafe base = Self.reserve(at: nil, reserved)
    byteCount = 0
    resize(to: bytes)
  }

  deinit { unsafe munmap(base, reserved) }

  /// Changes how many bytes can be touched; what is within both sizes keeps its contents.
  ///
  /// - Precondition: `bytes` is within the reservation.
  mutating func resize(to bytes: Int) {
    let target = Self.pages(bytes)
    precondition(bytes >= 0 && target <= reserved, "an arena stays within its reservation")
    if target > byteCount {
      let status = unsafe mprotect(
        base + byteCount, target - byteCount, PROT_READ | PROT_WRITE)
      precondition(status == 0, "no memory for \(target) bytes of cache")
      #if canImport(Glibc)
        _ = unsafe madvise(base, target, Int32(MADV_HUGEPAGE))
      #endif
    } else if target < byteCount {
      _ = unsafe Self.reserve(at: base + target, byteCount - target)
    }
    byteCount = target
  }

  /// Maps pages that can't be touched and take no memory, in place of what lies at `address`.
  private static func reserve(
    at address: UnsafeMutableRawPointer?, _ bytes: Int
  ) -> UnsafeMutableRawPointer {
    var flags = MAP_PRIVATE | MAP_ANON
    if unsafe address != nil { flags |= MAP_FIXED }
    #if canImport(Glibc)
      flags |= MAP_NORESERVE
    #endif
    let start = unsafe mmap(address, bytes, PROT_NONE, flags, -1, 0)
    guard let start = unsafe start, unsafe start != MAP_FAILED else {
      preconditionFailure("no addresses for \(bytes) bytes of cache")
    }
    return unsafe start
  }
}
