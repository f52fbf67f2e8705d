import Foundation
import Synchronization

/// A folder of this process among the temporary files, until this is released or
/// ``removeAll()`` is called.
package final class TemporaryFolder: Sendable {
  package let path: String

  private static let all = Mutex(Set<String>())

  package init() throws {
    path = FileManager.default.temporaryDirectory
      .appendingPathComponent("headkv-bench-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    let path = path
    Self.all.withLock { _ = $0.insert(path) }
  }

  deinit {
    try? FileManager.default.removeItem(atPath: path)
    let path = path
    Self.all.withLock { _ = $0.remove(path) }
  }

  /// Removes the folders there are, before the process ends early.
  package static func removeAll() {
    all.withLock { paths in
      for path in paths { try? FileManager.default.removeItem(atPath: path) }
    }
  }
}
