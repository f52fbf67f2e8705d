import Foundation
import HeadKVFuzz

/// The reader that `HEADKV_FUZZ` names.
private let target: FuzzTarget = {
  let name = ProcessInfo.processInfo.environment["HEADKV_FUZZ"] ?? ""
  guard let target = FuzzTarget.named(name) else {
    print("HEADKV_FUZZ is one of: " + FuzzTarget.all.map(\.name).joined(separator: " "))
    exit(64)
  }
  return target
}()

/// What libFuzzer calls with each input; a broken law is a crash to it.
@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  do {
    try target.run(Array(UnsafeBufferPointer(start: start, count: count)))
  } catch {
    fatalError("\(error)")
  }
  return 0
}
