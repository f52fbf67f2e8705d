#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Whether the tests run under a sanitizer, whose memory and files are not those of the program.
package enum Sanitizer {
  package static let isOn = isThere("__asan_init") || ofThreads
  package static let ofThreads = isThere("__tsan_init")

  private static func isThere(_ symbol: String) -> Bool {
    guard let program = dlopen(nil, RTLD_NOW) else { return false }
    return dlsym(program, symbol) != nil
  }
}
