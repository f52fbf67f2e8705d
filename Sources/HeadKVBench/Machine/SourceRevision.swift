import Foundation

/// The commit of the checkout that the running tool was built in.
package enum SourceRevision {
  /// The abbreviated commit, with `-dirty` if files differ from it; nil if the tool does not lie in
  /// a checkout of its sources or there is no git.
  package static let current: String? = {
    guard let folder = Bundle.main.executableURL?.resolvingSymlinksInPath()
      .deletingLastPathComponent().path,
      let root = git(["rev-parse", "--show-toplevel"], in: folder),
      // Not some other checkout that the tool was installed into.
      FileManager.default.fileExists(atPath: root + "/Sources/HeadKVBench")
    else { return nil }
    return git(["describe", "--always", "--dirty", "--exclude", "*"], in: root)
  }()

  private static func git(_ arguments: [String], in folder: String) -> String? {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["git", "-C", folder] + arguments
    let output = Pipe()
    process.standardOutput = output
    process.standardError = FileHandle.nullDevice
    process.standardInput = FileHandle.nullDevice
    guard (try? process.run()) != nil else { return nil }
    let data = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    let text = String(decoding: data, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
    return process.terminationStatus == 0 && !text.isEmpty ? text : nil
  }
}
