import ArgumentParser
import Foundation

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
    if let threads, !(1...1024).contains(threads) {
      throw ValidationError("--threads must be 1 to 1024")
    }
  }

  var threadCount: Int? {
    threads ?? ProcessInfo.processInfo.environment["HEADKV_THREADS"].flatMap(Int.init)
  }
}
