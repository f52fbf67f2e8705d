import Foundation
import HeadKVFiles
import Synchronization

/// Faults that come from outside the program, and would end it without a word: each gets one line
/// on standard error and exit code 1.
enum Faults {
  /// Of signals that the Swift runtime raises when memory is out; what stood there before.
  private static let traps = [SIGABRT, SIGILL, SIGTRAP]
  nonisolated(unsafe) private static let before = UnsafeMutablePointer<sigaction>.allocate(
    capacity: 64)
  private static let isEnding = Atomic<Bool>(false)
  /// Room that a start takes, in bytes.
  private static let start = 48 << 20
  /// With less room than this, a trap is taken for one of memory: the largest piece that is asked
  /// for outside ``CheckedMemory``.
  private static let short = 128 << 20

  /// Ends the process if its limits leave no room to start.
  static func install() {
    if let space = MemoryRoom.addressSpace, space.left < start { endForMemory() }
    CheckedMemory.onFailure { _ in Faults.endForMemory() }
    var action = sigaction()
    Self.set(&action) { _, info, _ in Faults.lostPage(info) }
    sigaction(SIGBUS, &action, nil)
    Self.set(&action) { number, _, _ in Faults.trap(number) }
    for number in traps { sigaction(number, &action, before + Int(number)) }
  }

  private static func set(
    _ action: inout sigaction,
    _ handler: @escaping @convention(c) (Int32, UnsafeMutablePointer<siginfo_t>?, UnsafeMutableRawPointer?) -> Void
  ) {
    action.sa_flags = SA_SIGINFO
    #if canImport(Glibc)
      action.__sigaction_handler.sa_sigaction = handler
    #else
      action.__sigaction_u.__sa_sigaction = handler
    #endif
  }

  /// Lets one thread speak; others that fault meanwhile wait for the end.
  private static func begin() {
    if isEnding.exchange(true, ordering: .relaxed) {
      while true { pause() }
    }
    SignalText.write("headkv-run: ")
  }

  /// A page of a mapped file could not be read: the file has been shortened, or its disk failed.
  private static func lostPage(_ info: UnsafeMutablePointer<siginfo_t>?) {
    begin()
    #if os(Linux)
      let address = UInt(bitPattern: info?.pointee._sifields._sigfault.si_addr)
      if !MappedName.write(of: address) { SignalText.write("a mapped file") }
    #else
      SignalText.write("a mapped file")
    #endif
    SignalText.write(": shortened, or no longer readable, while it was in use\n")
    _exit(1)
  }

  private static func trap(_ number: Int32) {
    if let space = MemoryRoom.addressSpace, space.left < short { endForMemory() }
    // Not ours: what stood here before gets it as soon as this handler returns, or raise delivers.
    sigaction(number, before + Int(number), nil)
    raise(number)
  }

  private static func endForMemory() -> Never {
    begin()
    SignalText.write("out of memory")
    if let space = MemoryRoom.addressSpace {
      SignalText.write(": ")
      SignalText.write(mebibytes: space.left)
      SignalText.write(" are left of the address space of ")
      SignalText.write(mebibytes: space.limit)
    }
    SignalText.write("\n")
    _exit(1)
  }
}
