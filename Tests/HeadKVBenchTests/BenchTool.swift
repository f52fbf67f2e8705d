import Foundation
import HeadKVTestSupport

/// Runs `headkv-bench` as a person would and keeps what it says.
struct BenchTool {
  let code: Int32
  let output: String
  let errors: String

  /// - Parameter meanwhile: called while the tool runs.
  init(
    _ arguments: [String], environment: [String: String] = [:],
    meanwhile: (Process) throws -> Void = { _ in }
  ) throws {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: BuiltTool.path("headkv-bench"))
    process.arguments = arguments
    process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
    process.standardInput = FileHandle.nullDevice
    let (out, err) = (Pipe(), Pipe())
    process.standardOutput = out
    process.standardError = err
    try process.run()
    try meanwhile(process)
    output = String(decoding: out.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    errors = String(decoding: err.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    code = process.terminationStatus
  }
}
