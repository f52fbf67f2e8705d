import Foundation
import HeadKVTestSupport
import Testing

/// One process at a time: each uses all processors.
@Suite(.serialized) struct BenchToolTests {
  @Test func timesDecodeSteps() throws {
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("headkv-bench-test-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let tool = try BenchTool([
      "--grid", "8", "--batch", "1", "--precision", "int8", "--policy", "full,window", "--budget",
      "1/4", "--steps", "2", "--rounds", "2", "--warmup", "1", "-o", "json,\(folder)/t.csv",
    ])
    #expect(tool.code == 0, "\(tool.errors)")
    let rows = try #require(
      JSONSerialization.jsonObject(with: Data(tool.output.utf8)) as? [[String: Any]])
    #expect(rows.map { $0["policy"] as? String } == ["full", "window"])
    for row in rows {
      #expect(row["rounds"] as? Int == 2 && row["steps"] as? Int == 2)
      // Two sequences of 144 heads read 2 and 3 rows of 512 bytes.
      #expect(row["cache_bytes_read"] as? Double == 2.5 * 2 * 144 * 512)
      for key in ["ms", "bandwidth", "bandwidth_share", "speedup"] {
        #expect(try #require(row[key] as? Double) > 0)
      }
      for key in ["cpu", "kernels", "commit", "date"] {
        #expect(try #require(row[key] as? String) != "")
      }
      #expect(try #require(row["threads"] as? Int) > 0)
    }
    let csv = try String(contentsOfFile: folder + "/t.csv", encoding: .utf8)
    #expect(csv.hasPrefix("shape,grid,batch,") && csv.split(separator: "\n").count == 3)
    #expect(tool.errors.contains("GPT-B 8x8, 2 settings: round 2 of 2"))
  }

  @Test func fillsFullCachesBetweenSampledLines() throws {
    let tool = try BenchTool([
      "--grid", "4", "--batch", "1", "--policy", "full,window", "--budget", "1/2", "--rounds", "1",
      "--warmup", "0", "--sample", "2", "-o", "json", "-q",
    ])
    let rows = try #require(
      JSONSerialization.jsonObject(with: Data(tool.output.utf8)) as? [[String: Any]])
    #expect(rows.map { $0["steps"] as? Int } == [8, 15])
    // Lines 1 and 2 of 0 to 3: steps 4 to 11, which read 6 to 13 rows.
    #expect(rows[0]["cache_bytes_read"] as? Double == 9.5 * 2 * 144 * 512)
  }

  @Test func timesParts() throws {
    let tool = try BenchTool([
      "parts", "--only", "sampling,eviction,head", "--grid", "4", "--batch", "1", "--policy",
      "full,auto", "--budget", "1/2", "--rounds", "1", "--warmup", "0", "-o", "json", "-q",
    ])
    #expect(tool.code == 0 && tool.errors.isEmpty, "\(tool.errors)")
    let rows = try #require(
      JSONSerialization.jsonObject(with: Data(tool.output.utf8)) as? [[String: Any]])
    #expect(
      rows.map { $0["part"] as? String } == ["sampling", "eviction", "eviction", "output head"])
    #expect(rows.allSatisfy { ($0["ms"] as? Double ?? 0) > 0 })
    #expect(rows[3]["bytes_read"] as? Int == 16384 * 768 * 2)
  }

  @Test func namesAllThatIsWrong() throws {
    let tool = try BenchTool(["--shape", "B,Q", "--batch", "0,1", "--policy", "fool", "-o", "md,x/y.csv"])
    #expect(tool.code == 64)
    for part in ["--shape: 'Q'", "--batch: '0'", "--policy: 'fool'", "no folder"] {
      #expect(tool.errors.contains(part), "\(tool.errors)")
    }
    #expect(try BenchTool(["--grid", "2", "--policy", "window", "--budget", "1/4"]).code == 64)
    #expect(try BenchTool(["parts", "--only", "heads"]).code == 64)
    #expect(try BenchTool(["--steps", "0"]).code == 64)
  }

  /// What `-o json` prints is what its schema says.
  @Test(arguments: [
    (
      "bench-decode",
      ["--grid", "4", "--policy", "full,window", "--budget", "1/2", "--steps", "2"]
    ),
    (
      "bench-parts",
      [
        "parts", "--only", "projections,attention,head,sampling,eviction,vq", "--grid", "4",
        "--policy", "full,auto", "--budget", "1/2",
      ]
    ),
  ]) func schemas(name: String, arguments: [String]) throws {
    let tool = try BenchTool(
      arguments + ["--batch", "1", "--rounds", "1", "--warmup", "0", "-o", "json", "-q"])
    #expect(tool.code == 0, "\(tool.errors)")
    let schema = try JSONSchema(named: name)
    #expect(schema.problems(of: tool.output) == [])
    #expect(schema.problems(of: tool.output.replacing("\"ms\"", with: "\"msec\"")) != [])
  }

  /// After Ctrl-C no weights are left among the temporary files.
  @Test func interruptLeavesNothing() throws {
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("headkv-bench-test-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    func files() throws -> [String] { try FileManager.default.contentsOfDirectory(atPath: folder) }
    let tool = try BenchTool(
      ["parts", "--only", "load", "--rounds", "1000", "-q"], environment: ["TMPDIR": folder]
    ) { process in
      let end = Date() + 60
      while try files().isEmpty && Date() < end { Thread.sleep(forTimeInterval: 0.05) }
      #expect(try !files().isEmpty)
      process.interrupt()
    }
    #expect(tool.code == 130 && tool.errors.contains("cancelled"))
    #expect(try files() == [])
  }
}
