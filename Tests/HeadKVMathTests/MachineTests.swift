import Foundation
import HeadKVMath
import HeadKVSelfCheck
import Testing

@Suite struct MachineTests {
  /// A folder of control groups with the given files.
  private func group(_ files: [String: String], of groups: String) throws -> ControlGroup {
    let root = FileManager.default.temporaryDirectory
      .appendingPathComponent("headkv-groups-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: root) }
    for (path, text) in files {
      let file = root.appendingPathComponent(path)
      try FileManager.default.createDirectory(
        at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
      try Data(text.utf8).write(to: file)
    }
    return ControlGroup(groups: groups, root: root.path)
  }

  @Test func theLeastOfAllGroupsAroundCounts() throws {
    let files = [
      "a/cpu.max": "150000 100000\n", "a/b/cpu.max": "max 100000\n",
      "memory.max": "max\n", "a/memory.max": "1000\n", "a/memory.current": "400\n",
      "a/b/memory.max": "5000\n", "a/b/memory.current": "100\n",
    ]
    let found = try group(files, of: "0::/a/b\n")
    #expect(found.processors == 1.5 && found.memoryLeft == 600)
    let above = try group(files, of: "0::/\n")
    #expect(above.processors == nil && above.memoryLeft == nil)
  }

  /// Idle pages of files give way to what asks for memory.
  @Test func idleFilesDoNotCount() throws {
    let found = try group(
      [
        "a/memory.max": "1000\n", "a/memory.current": "400\n",
        "a/memory.stat": "anon 250\nactive_file 50\ninactive_file 100\n",
      ], of: "0::/a\n")
    #expect(found.memoryLeft == 700)
  }

  @Test func groupsOfTheFirstVersion() throws {
    let found = try group(
      [
        "cpu/d/cpu.cfs_quota_us": "50000\n", "cpu/d/cpu.cfs_period_us": "100000\n",
        "cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n",
        "memory/d/memory.limit_in_bytes": "100\n", "memory/d/memory.usage_in_bytes": "200\n",
        "memory/memory.limit_in_bytes": "9223372036854771712\n",
        "memory/memory.usage_in_bytes": "200\n",
      ], of: "5:memory:/d\n4:cpu,cpuacct:/d\n1:name=systemd:/x\nnonsense\n")
    #expect(found.processors == 0.5 && found.memoryLeft == 0)
  }

  @Test(arguments: [
    ("Cpus_allowed:\t3\n", 2), ("Name:\tx\nCpus_allowed:\tf,00000001\nCpus_allowed_list:\t0\n", 5),
    ("Cpus_allowed:\t0\n", nil), ("Cpus_allowed:\tx\n", nil), ("", nil),
  ]) func affinityAsTheSystemTellsIt(status: String, count: Int?) {
    #expect(ProcessorCount.allowed(status: status) == count)
  }

  @Test(arguments: [
    (ProcessorCount(active: 8, allowed: nil, quota: nil), 8),
    (ProcessorCount(active: 8, allowed: 2, quota: 4), 2),
    (ProcessorCount(active: 8, allowed: 8, quota: 1.5), 2),
    (ProcessorCount(active: 8, allowed: 8, quota: 0.1), 1),
    (ProcessorCount(active: 2, allowed: 8, quota: 16), 2),
  ]) func usableProcessors(count: ProcessorCount, usable: Int) {
    #expect(count.usable == usable)
  }

  @Test func memoryAsTheSystemTellsIt() {
    let text = "MemTotal:  2048 kB\nMemAvailable:   1024 kB\n"
    #expect(AvailableMemory.bytes(memoryInfo: text) == 1 << 20)
    #expect(AvailableMemory.bytes(memoryInfo: "MemTotal: 1 kB") == nil)
  }

  @Test func everyTaskOfAPoolIsDone() {
    let report = PoolReport(WorkerPool(threads: 2))
    #expect(report.isExact && report.threads == 2 && (1...2).contains(report.workers))
  }
}
