import ArgumentParser
import Foundation
import HeadKVMath

/// What every verb takes.
struct CommonOptions: ParsableArguments {
  @Option(
    name: .shortAndLong,
    help: ArgumentHelp(
      "Threads to work with. (default: HEADKV_THREADS, else one a processor)",
      valueName: "number"))
  var threads: Int?

  @Flag(help: "Print one JSON object on standard output, and text on standard error.")
  var json = false

  @Flag(name: .shortAndLong, help: "Print errors only.")
  var quiet = false

  func validate() throws {
    if let threads, !WorkerPool.threadCounts.contains(threads) {
      throw ValidationError("--threads must be 1 to 1024")
    }
    if threads == nil, let setting = Self.setting, Self.count(setting) == nil {
      throw ValidationError("HEADKV_THREADS is '\(setting)'; it must be 1 to 1024")
    }
  }

  /// Threads asked for; nil leaves it to the machine.
  var threadCount: Int? { threads ?? Self.setting.flatMap(Self.count) }

  /// What the environment says, if anything.
  private static var setting: String? {
    let text = ProcessInfo.processInfo.environment["HEADKV_THREADS"]
    return text?.isEmpty == true ? nil : text
  }

  private static func count(_ text: String) -> Int? {
    Int(text).flatMap { WorkerPool.threadCounts.contains($0) ? $0 : nil }
  }
}
