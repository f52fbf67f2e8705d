import Foundation

/// The tools that were built with the tests.
public enum BuiltTool {
  /// The path of the tool called `name`, which stands beside the test bundle.
  public static func path(_ name: String) -> String {
    var folder = Bundle.main.bundleURL
    for _ in 0..<4 {
      let candidate = folder.appendingPathComponent(name).path
      if FileManager.default.isExecutableFile(atPath: candidate) { return candidate }
      folder = folder.deletingLastPathComponent()
    }
    return name
  }
}
