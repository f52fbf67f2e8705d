import Foundation

/// What the control groups of this process leave it, on Linux: the least of its group and of those
/// around it.
package struct ControlGroup: Sendable, Equatable {
  /// Processors' worth of time; nil without a limit.
  package let processors: Double?
  /// Bytes until the limit; nil without one.
  package let memoryLeft: Int?

  /// Of this process.
  package static var current: ControlGroup {
    let groups = (try? String(contentsOfFile: "/proc/self/cgroup", encoding: .utf8)) ?? ""
    return ControlGroup(groups: groups, root: "/sys/fs/cgroup")
  }

  /// - Parameters:
  ///   - groups: the text of `/proc/self/cgroup`, of either version.
  ///   - root: where the groups are mounted.
  package init(groups: String, root: String) {
    var processors: [Double] = []
    var memory: [Int] = []
    for line in groups.split(separator: "\n") {
      let fields = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
      guard fields.count == 3 else { continue }
      let controllers = fields[1].split(separator: ",")
      let isUnified = controllers.isEmpty
      for path in Self.chain(String(fields[2])) {
        if isUnified {
          let folder = root + path
          processors += [Self.text(folder + "/cpu.max").flatMap(Self.quota)].compactMap { $0 }
          memory += Self.left(folder, "/memory.max", "/memory.current", "inactive_file")
        } else if controllers.contains("cpu") {
          let folder = root + "/cpu" + path
          let quota = Self.text(folder + "/cpu.cfs_quota_us") ?? ""
          let period = Self.text(folder + "/cpu.cfs_period_us") ?? ""
          processors += [Self.quota("\(quota) \(period)")].compactMap { $0 }
        } else if controllers.contains("memory") {
          let folder = root + "/memory" + path
          memory += Self.left(
            folder, "/memory.limit_in_bytes", "/memory.usage_in_bytes", "total_inactive_file")
        }
      }
    }
    self.processors = processors.min()
    memoryLeft = memory.min()
  }

  /// The group's own folder and all around it, as "" or with a slash before each name.
  private static func chain(_ path: String) -> [String] {
    let names = path.split(separator: "/")
    return (0...names.count).map { names.prefix($0).map { "/" + $0 }.joined() }
  }

  private static func text(_ path: String) -> String? {
    (try? String(contentsOfFile: path, encoding: .utf8))?
      .trimmingCharacters(in: .whitespacesAndNewlines)
  }

  /// From microseconds in a period of so many: "150000 100000"; "max 100000" and "-1 100000" are
  /// no limit.
  private static func quota(_ text: String) -> Double? {
    let parts = text.split(separator: " ").map { Double($0) }
    guard parts.count == 2, let quota = parts[0], let period = parts[1], quota > 0, period > 0
    else { return nil }
    return quota / period
  }

  /// Pages of files that nobody used lately give way, so they do not count as used.
  private static func left(
    _ folder: String, _ most: String, _ used: String, _ idle: String
  ) -> [Int] {
    // Version 1 says "no limit" by a number beyond all memory.
    guard let most = text(folder + most).flatMap({ Int($0) }), most < 1 << 60,
      let used = text(folder + used).flatMap({ Int($0) })
    else { return [] }
    let files = text(folder + "/memory.stat")?.split(separator: "\n")
      .first { $0.hasPrefix(idle + " ") }.flatMap { Int($0.dropFirst(idle.count + 1)) }
    return [max(most - used + (files ?? 0), 0)]
  }
}
