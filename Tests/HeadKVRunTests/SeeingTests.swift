import Foundation
import HeadKV
import Testing

extension ToolTests {
  @Suite struct SeeingTests {
    @Test func compares() throws {
      let folder = try Scratch()
      let run = try Tool(
        [
          "compare", "--limit", "2", "--kv-policy", "auto,strict,window", "--kv-budget", "1/6,1/10",
          "-f", "json", "-o", "c.svg", "--report", "c.html", "-q",
        ], in: folder)
      #expect(run.code == 0, "\(run.errors)")
      let lines = try #require(try run.json()["policies"] as? [[String: Any]])
      #expect(lines.compactMap { $0["policy"] as? String }.count == 6)
      #expect(lines[2]["rowsAfter"] as? Double == 43 && lines[5]["rowsAfter"] as? Double == 26)
      #expect(try folder.files == ["c.html", "c.svg"])
      for line in lines {
        let (held, most) = (line["bytesHeld"] as? Int ?? 0, line["bytesPlanned"] as? Int ?? 0)
        #expect(held > 0 && held <= most)
      }
      let csv = try Tool(
        ["compare", "--limit", "1", "--kv-policy", "window", "--kv-budget", "1/6", "-f", "csv", "-q"],
        in: folder)
      #expect(csv.output.split(separator: "\n").count == 2 && csv.output.hasPrefix("policy,budget"))
    }

    @Test func saysWhatCachesMayTakeBeforeTheRun() throws {
      let folder = try Scratch()
      let run = try Tool(
        ["compare", "--limit", "1", "--kv-policy", "auto,window", "--kv-budget", "1/6"], in: folder)
      #expect(run.code == 0, "\(run.errors)")
      let plan = try #require(run.errors.range(of: "caches of a sequence, planned:"))
      let progress = run.errors.range(of: "pictures") ?? plan
      #expect(plan.lowerBound <= progress.lowerBound)
      // Budgets of 43 and 48 rows and the one that is appended before the surplus goes.
      #expect(run.errors.contains(/auto +1\/6 +44\.0 +49\.0 +\d+/))
      #expect(run.errors.contains(/window +1\/6 +\d+\.\d +- +\d+/))
    }

    @Test func comparesVariantsOfAPolicy() throws {
      let folder = try Scratch()
      let names = ["auto", "auto:growth=no", "auto:merge=lines", "merge:budgets=entropy:window=0.6"]
      let run = try Tool(
        [
          "compare", "--limit", "1", "--kv-policy", names.joined(separator: ","), "--kv-budget",
          "1/10", "-f", "json", "-q",
        ], in: folder)
      #expect(run.code == 0, "\(run.errors)")
      let lines = try #require(try run.json()["policies"] as? [[String: Any]])
      #expect(lines.compactMap { $0["policy"] as? String } == names)
      // Each option tells on what is kept.
      #expect(Set(lines.compactMap { $0["nll"] as? Double }).count == 4)
    }

    @Test func profilesADrawnPicture() throws {
      let folder = try Scratch()
      func run(_ seed: String) throws -> Tool {
        try Tool(
          ["profile", "--class", "ship", "--seed", seed, "--json", "--save", "p\(seed).json"],
          in: folder)
      }
      let (first, second) = (try run("1"), try run("2"))
      #expect(first.code == 0, "\(first.errors)")
      #expect(try first.json()["pictures"] as? Int == 1)
      #expect(first.output != second.output)
      #expect(try folder.files == ["p1.json", "p2.json"])
      let usage = try Tool(["profile", "--class", "1", "--tokens", "t.safetensors"], in: folder)
      #expect(usage.code == 64)
      let bad = try Tool(["profile", "--class", "zeppelin"], in: folder)
      #expect(bad.code == 1 && bad.errors.contains("zeppelin"))
    }

    @Test func savesTheProfileItPrints() throws {
      let folder = try Scratch()
      let made = try Tool(["profile", "--limit", "2", "--save", "p.json"], in: folder)
      let loaded = try Tool(["profile", "--load", "p.json"], in: folder)
      #expect(made.code == 0 && made.output == loaded.output)
    }

    @Test func profilesSavesAndLoads() throws {
      let folder = try Scratch()
      let run = try Tool(
        [
          "profile", "--limit", "4", "--check", "--json", "--save", "p.json", "-o", "h.png",
          "--report", "p.html",
        ], in: folder)
      #expect(run.code == 0, "\(run.errors)")
      let agreement = try #require(try run.json()["agreement"] as? [String: Any])
      #expect(try #require(agreement["entropy"] as? Double) >= 0.95)
      #expect(try folder.files == ["h.png", "p.html", "p.json"])
      let loaded = try Tool(["profile", "--load", "p.json"], in: folder)
      #expect(loaded.code == 0 && loaded.output.contains("entropy"))
      try folder.write("bad.json", Array("{\"tau\":1}".utf8))
      let bad = try Tool(["profile", "--load", "bad.json"], in: folder)
      #expect(bad.code == 1 && bad.errors.contains("head profile: no "))
    }

    @Test func reportsARun() throws {
      let folder = try Scratch()
      let run = try Tool(
        [
          "--class", "ship", "--cfg-scale", "2.5", "--kv-budget", "1/10", "--report", "r.html",
          "--figures", "f", "-o", "s.png",
        ], in: folder)
      #expect(run.code == 0, "\(run.errors)")
      #expect(run.output.contains("at most, in full"))
      let page = String(
        decoding: try Data(contentsOf: URL(fileURLWithPath: folder.file("r.html"))), as: UTF8.self)
      for word in ["Kept rows", "Budget", "PSNR", "Live rows"] { #expect(page.contains(word)) }
      #expect(!page.contains("http://") || page.contains("http://www.w3.org"))
      for name in ["budget.svg", "entropy.png", "kept-rows.png"] {
        #expect(FileManager.default.fileExists(atPath: folder.file("f/" + name)))
      }
    }

    @Test(arguments: [
      (["compare", "--kv-policy", "best"], "'best'"),
      (["compare", "--kv-policy", "auto:growth"], "'auto:growth'"),
      (["compare", "--kv-policy", "auto:colour=red"], "colour"), (["compare", "-o", "c.gif"], ".svg or .png"),
      (["compare", "--kv-budget", "2"], "'2'"), (["profile", "--load", "none.json"], "none.json"),
      (["profile", "-o", "no/h.svg"], "no/h.svg"),
      (["--kv-policy", "window", "--kv-cap", "strict", "--kv-budget", "1/6"], "'cap'"),
      (["--kv-budget", "2rows"], "at least"),
    ]) func badInput(arguments: [String], says: String) throws {
      let folder = try Scratch()
      let run = try Tool(arguments, in: folder)
      #expect(run.code == 1 && run.errors.contains(says), "\(run.errors)")
      #expect(try folder.files.isEmpty)
    }
  }
}
