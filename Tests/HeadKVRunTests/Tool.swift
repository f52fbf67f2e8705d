import Foundation
import HeadKV

/// Runs `headkv-run` as a person would and keeps what it says.
struct Tool {
  let code: Int32
  let output: String
  let errors: String

  /// The tool stands beside the test bundle.
  static var path: String {
    var folder = Bundle.main.bundleURL
    for _ in 0..<4 {
      let candidate = folder.appendingPathComponent("headkv-run").path
      if FileManager.default.isExecutableFile(atPath: candidate) { return candidate }
      folder = folder.deletingLastPathComponent()
    }
    return "headkv-run"
  }

  /// - Parameter path: the program, if it is not the tool.
  init(
    at path: String = Tool.path, _ arguments: [String], in folder: Scratch,
    environment: [String: String] = [:], interruptAfter seconds: Double? = nil,
    interruptOnce isTime: (() -> Bool)? = nil
  ) throws {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: path)
    process.arguments = arguments
    process.currentDirectoryURL = URL(fileURLWithPath: folder.path)
    process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
    process.standardInput = FileHandle.nullDevice
    let (out, err) = (Pipe(), Pipe())
    process.standardOutput = out
    process.standardError = err
    let ended = DispatchSemaphore(value: 0)
    process.terminationHandler = { _ in ended.signal() }
    try process.run()
    if let seconds {
      Thread.sleep(forTimeInterval: seconds)
      process.interrupt()
    }
    if let isTime {
      for _ in 0..<3000 where process.isRunning && !isTime() { Thread.sleep(forTimeInterval: 0.02) }
      process.interrupt()
    }
    output = String(decoding: out.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    errors = String(decoding: err.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    ended.wait()
    code = process.terminationReason == .exit ? process.terminationStatus : -1
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
