#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Whether the tests run under a sanitizer, whose memory is not that of the program.
package enum Sanitizer {
  package static let isOn: Bool = {
    guard let program = dlopen(nil, RTLD_NOW) else { return false }
    return dlsym(program, "__asan_init") != nil || dlsym(program, "__tsan_init") != nil
  }()
}
