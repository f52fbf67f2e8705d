import Foundation

/// The `--help` of a tool's subcommands, a text file each.
///
/// With `HEADKV_RENEW_HELP=1` in the environment the files are written anew: after a change of a
/// text that is meant, `HEADKV_RENEW_HELP=1 swift test -c release --filter HelpTests`.
public struct PinnedHelp {
  private let folder: URL

  /// - Parameter testFile: a file of the tests beside which `Help` lies.
  public init(beside testFile: String) {
    folder = URL(fileURLWithPath: testFile).deletingLastPathComponent()
      .appendingPathComponent("Help")
  }

  /// Names of texts that differ from their files, have none, or are no more.
  ///
  /// - Parameters:
  ///   - tool: name of the tool.
  ///   - run: what it says on its standard output, with 80 columns.
  public func differences(of tool: String, run: ([String]) throws -> String) throws -> [String] {
    var texts = [tool: try run(["--help"])]
    for name in try Self.subcommands(run(["--experimental-dump-help"])) {
      texts[name] = try run([name, "--help"])
    }
    if ProcessInfo.processInfo.environment["HEADKV_RENEW_HELP"] == "1" { try write(texts) }
    let pinned = try FileManager.default.contentsOfDirectory(atPath: folder.path)
      .filter { $0.hasSuffix(".txt") }.map { String($0.dropLast(4)) }
    return Set(pinned).union(texts.keys).sorted().filter { name in
      texts[name] != (try? String(contentsOf: file(name), encoding: .utf8))
    }
  }

  private static func subcommands(_ dump: String) throws -> [String] {
    guard case .array(let commands) = try JSONValue(parsing: dump)["command"]?["subcommands"] else {
      return []
    }
    return commands.compactMap { $0["commandName"]?.string }.filter { $0 != "help" }
  }

  private func file(_ name: String) -> URL { folder.appendingPathComponent(name + ".txt") }

  private func write(_ texts: [String: String]) throws {
    try? FileManager.default.removeItem(at: folder)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    for (name, text) in texts { try Data(text.utf8).write(to: file(name)) }
  }
}
