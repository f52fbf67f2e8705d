import Foundation

/// Larger reference files that stand beside a checkout, in `../shared`, on some machines.
public enum SharedFiles {
  private static let root = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().appendingPathComponent("shared").path

  public static var exist: Bool { FileManager.default.fileExists(atPath: root + "/models/c10") }

  public static func path(_ name: String) -> String { root + "/" + name }
}
