import Foundation
import HeadKVTestSupport
import Testing

extension ToolTests {
  @Suite struct DoctorTests {
    @Test func findsEverythingWell() throws {
      let folder = try Scratch()
      let run = try Tool(["doctor", "--json"], in: folder)
      #expect(run.code == 0, "\(run.output)")
      #expect(try JSONSchema(named: "doctor").problems(of: run.output) == [])
      let report = try run.json()
      let checks = try #require(report["checks"] as? [[String: Any]])
      let names = checks.compactMap { $0["check"] as? String }
      for name in [
        "OpenBLAS", "threads", "kernels portable", "model portable", "bundled model", "memory",
        "memory bandwidth", "writing here", "temporary files",
      ] { #expect(names.contains(name)) }
      #expect(checks.allSatisfy { $0["outcome"] as? String != "failed" })
      let kernels = try #require(report["kernels"] as? String)
      #expect(names.contains("kernels \(kernels)"))
      let bandwidth = checks.first { $0["check"] as? String == "memory bandwidth" }
      let figures = try #require(bandwidth?["figures"] as? [String: Double])
      #expect(try #require(figures["bytesPerSecond"]) > 1e8)
      // People's text goes to standard error, and nothing is left behind.
      #expect(run.errors.contains("report of a problem") && run.errors.contains("GB/s"))
      #expect(try folder.files == [])
    }

    @Test func aFailedCheckIsNamedAndEndsWithOne() throws {
      let run = try Tool(
        ["doctor", "--threads", "1"], in: Scratch(),
        environment: ["TMPDIR": "/proc", "HEADKV_ISA": "portable"])
      #expect(run.code == 1)
      let lines = run.output.split(separator: "\n")
      let failed = lines.filter { $0.hasPrefix("failed") }
      // Once as it is found, and once in the block for the report.
      #expect(failed.count == 2 && failed.allSatisfy { $0.contains("temporary files") })
      #expect(lines.contains { $0.hasPrefix("kernels: portable; threads: 1") })
      #expect(lines.contains { $0.hasPrefix("environment: HEADKV_ISA=portable") })
    }
  }
}
