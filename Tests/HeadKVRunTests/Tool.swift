import Foundation
import HeadKV
import HeadKVTestSupport

/// Runs `headkv-run` as a person would and keeps what it says.
struct Tool {
  /// The exit code, or a signal as a negative number.
  let code: Int32
  let output: String
  let errors: String

  static let path = BuiltTool.path("headkv-run")

  /// - Parameters:
  ///   - path: the program, if it is not the tool.
  ///   - limits: what a shell does first, such as `ulimit -f 8`.
  ///   - after: seconds after which something happens to the running process, and what.
  init(
    at path: String = Tool.path, _ arguments: [String], in folder: Scratch,
    environment: [String: String] = [:], limits: String? = nil,
    after: (seconds: Double, happens: (Process) -> Void)? = nil,
    interruptOnce isTime: (() -> Bool)? = nil
  ) throws {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: limits == nil ? path : "/bin/sh")
    process.arguments =
      limits.map { ["-c", $0 + "; exec \"$0\" \"$@\"", path] + arguments } ?? arguments
    process.currentDirectoryURL = URL(fileURLWithPath: folder.path)
    process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
    process.standardInput = FileHandle.nullDevice
    let (out, err) = (Pipe(), Pipe())
    process.standardOutput = out
    process.standardError = err
    let ended = DispatchSemaphore(value: 0)
    process.terminationHandler = { _ in ended.signal() }
    try process.run()
    if let after {
      Thread.sleep(forTimeInterval: after.seconds)
      after.happens(process)
    }
    if let isTime {
      for _ in 0..<3000 where process.isRunning && !isTime() { Thread.sleep(forTimeInterval: 0.02) }
      process.interrupt()
    }
    // A process that hangs is a failure, not a wait.
    let patience = DispatchWorkItem { kill(process.processIdentifier, SIGKILL) }
    DispatchQueue.global().asyncAfter(
      deadline: .now() + .seconds(Sanitizer.isOn ? 600 : 120), execute: patience)
    defer { patience.cancel() }
    output = String(decoding: out.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    errors = String(decoding: err.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    ended.wait()
    code =
      process.terminationReason == .exit ? process.terminationStatus : -process.terminationStatus
  }

  func json() throws -> [String: Any] {
    try JSONSerialization.jsonObject(with: Data(output.utf8)) as? [String: Any] ?? [:]
  }
}

/// A folder that goes when the test is done.
final class Scratch {
  let path = NSTemporaryDirectory() + "headkv-run-\(UUID().uuidString)"

  init() throws {
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  var files: [String] {
    get throws { try FileManager.default.contentsOfDirectory(atPath: path).sorted() }
  }

  func file(_ name: String) -> String { path + "/" + name }

  func write(_ name: String, _ bytes: [UInt8]) throws {
    try Data(bytes).write(to: URL(fileURLWithPath: file(name)))
  }
}
