import Foundation
import HeadKV
import HeadKVTestSupport
import Testing

/// One process at a time: each uses all processors.
@Suite(.serialized) struct ToolTests {
  @Suite struct RunTests {
    @Test func drawsDecodesAndTokenizes() throws {
      let folder = try Scratch()
      let drawn = try Tool(
        [
          "--class", "ship", "-c", "0-1", "--cfg-scale", "2.5", "--top-k", "200", "--seed", "7",
          "--kv-policy", "window", "--kv-budget", "1/6", "-o", "p%02d.png", "--tokens-out",
          "t.safetensors", "--json",
        ], in: folder)
      #expect(drawn.code == 0, "\(drawn.errors)")
      #expect(try folder.files == ["p00.png", "p01.png", "p02.png", "t.safetensors"])
      let summary = try drawn.json()
      #expect(summary["seed"] as? Int == 7 && summary["tokens"] as? Int == 768)
      let full = try #require(summary["cacheBytesFull"] as? Int)
      let held = try #require(summary["cacheBytesPeak"] as? Int)
      // 3 pictures, 2 branches, 6 layers of 6 heads with 256 rows of 2 x 32 + 4 words.
      #expect(full == 3 * 2 * 6 * 6 * 256 * 68 * 4 && held * 5 < full)

      let decoded = try Tool(["decode", "t.safetensors", "-o", "d%02d.png", "-q"], in: folder)
      #expect(decoded.code == 0 && decoded.output.isEmpty && decoded.errors.isEmpty)
      #expect(try PNG.read(folder.file("d01.png")) == PNG.read(folder.file("p01.png")))

      let recipe = try Tool(["inspect", "p00.png"], in: folder)
      #expect(recipe.output.contains("seed 7") && recipe.output.contains("32x32"))

      let coded = try Tool(["tokenize", "p00.png", "p01.png", "-o", "c.safetensors"], in: folder)
      #expect(coded.code == 0)
      #expect(try TokenSet(reading: folder.file("c.safetensors")).tokens.map(\.count) == [256, 256])
    }

    @Test func drawsFromCaptions() throws {
      let folder = try Scratch()
      let run = try Tool(
        [
          "--gpt", Golden.path("t2i-tiny/gpt.safetensors"), "--captions",
          Golden.path("t2i-tiny/expected.safetensors"), "--cfg-scale", "3", "--greedy",
          "--tokens-out", "t.safetensors",
        ], in: folder)
      #expect(run.code == 0, "\(run.errors)")
      let tokens = try TokenSet(reading: folder.file("t.safetensors")).tokens.flatMap { $0 }
      #expect(try tokens.map(Int.init) == Golden("t2i-tiny").integers("greedy_cfg3"))
    }

    @Test func evaluates() throws {
      let folder = try Scratch()
      let run = try Tool(
        [
          "evaluate", "--limit", "2", "--kv-policy", "window", "--kv-budget", "43rows", "--json",
          "--per-token", "l.safetensors",
        ], in: folder)
      #expect(run.code == 0)
      let report = try run.json()
      #expect(report["sequences"] as? Int == 2 && report["rows_per_head_peak"] as? Int == 43)
      let losses = try TensorCatalog.open(folder.file("l.safetensors"))
      #expect(losses["nll"]?.shape == [2, 256] && losses["nll_full"]?.shape == [2, 256])
      let mean = try losses.tensor("nll").floats().reduce(0, +) / 512
      #expect(abs(Double(mean) - (report["nll"] as? Double ?? 0)) < 1e-4)
    }

    @Test func inspectsAndHelps() throws {
      let folder = try Scratch()
      let whole = try Tool(["inspect", "--tensors"], in: folder)
      #expect(whole.code == 0 && whole.output.contains("6 heads of 32"))
      #expect(whole.output.contains("tok_embeddings.weight") && whole.output.contains("no problems"))
      let help = try Tool(["help", "generate"], in: folder)
      #expect(help.code == 0 && help.output.contains("--cfg-scale"))
      #expect(try Tool(["--version"], in: folder).code == 0)
    }

    @Test func listsPolicies() throws {
      let folder = try Scratch()
      let text = try Tool(["policies"], in: folder)
      #expect(text.code == 0 && text.output.contains("headkv: ") && text.output.contains("tau=0.9"))
      let json = try Tool(["policies", "--json"], in: folder).json()
      let policies = try #require(json["policies"] as? [[String: Any]])
      #expect(policies.compactMap { $0["name"] as? String } == PolicyCatalog.all.map(\.name))
      #expect(policies.contains { ($0["source"] as? String)?.contains("2605.20600") ?? false })
    }

    /// What a smaller cache is said to save is saved: the processes' peaks differ by as much as
    /// their caches.
    @Test func memoryIsTrue() throws {
      let folder = try Scratch()
      func run(_ budget: String) throws -> (memory: Int, cache: Int) {
        let run = try Tool(
          [
            "--class", "all", "--count", "6", "--batch", "60", "--kv-policy", "headkv",
            "--kv-budget", budget, "--tokens-out", "t.safetensors", "--json",
          ], in: folder)
        let summary = try run.json()
        let cache = try #require(summary["cacheBytesPeak"] as? Int)
        let planned = try #require(summary["cacheBytesPlanned"] as? Int)
        #expect(cache <= planned)
        return (try #require(summary["peakMemoryBytes"] as? Int), cache)
      }
      let (full, sixth) = (try run("100%"), try run("1/6"))
      let saved = Double(full.memory - sixth.memory) / Double(full.cache - sixth.cache)
      #expect(saved > 0.95 && saved < 1.05)
    }

    @Test func interruptLeavesNothing() throws {
      let folder = try Scratch()
      let run = try Tool(
        ["--class", "all", "--count", "500", "-o", "x.png", "--tokens-out", "x.safetensors"],
        in: folder, interruptAfter: 1)
      #expect(run.code == 130 && run.errors.contains("cancelled"))
      #expect(try folder.files == [])
    }
  }

  @Suite struct BadInputTests {
    /// Each gets one line that names the cause, the right exit code, and leaves no file behind.
    @Test(arguments: [
      (["--gpt", "short.safetensors", "--vq", "x"], "short.safetensors"),
      (["--gpt", "empty.pt", "--vq", "x"], "empty.pt: at byte 0: truncated"),
      (["--gpt", "long.safetensors", "--vq", "x"], "header bytes: at most"),
      (["--gpt", "zip.pt", "--vq", "x"], "zip"),
      (["--gpt", "none.pt", "--vq", "x"], "none.pt: open failed: No such file"),
      (["--gpt", ".", "--vq", "x"], "files end in .safetensors"),
      (["--class", "10"], "between 0 and 9"),
      (["--class", "zebra"], "airplane"),
      (["--class", "3-1"], "low to high"),
      (["--kv-policy", "window", "--kv-budget", "0"], "'0'"),
      (["--kv-policy", "window", "--kv-budget", "1row"], "at least 2"),
      (["--kv-policy", "window"], "needs a budget"),
      (["--kv-policy", "best"], "'best'"),
      (["--kv-policy", "h2o", "--kv-budget", "1/6", "--kv-option", "tau=1"], "'tau'"),
      (["--kv-policy", "h2o", "--kv-budget", "1/6", "--kv-option", "recent=2"], "'2'"),
      (["--kv-option", "recent"], "name=value"),
      (["--kv-option", "a=1", "--kv-option", "a=2"], "once"),
      (["--top-p", "2"], "top-p"),
      (["--temperature", "0"], "temperature"),
      (["--cfg-scale", "nan"], "cfg-scale"),
      (["-o", "no/such/folder.png"], "no/such/folder.png"),
      (["-o", "%d-%d.png"], "%d"),
      (["--captions", "none.safetensors"], "none.safetensors"),
      (["decode", "none.safetensors"], "none.safetensors"),
      (["decode", "short.safetensors"], "short.safetensors"),
      (["tokenize", "short.safetensors"], "not a PNG"),
      (["evaluate", "--tokens", "none.safetensors"], "none.safetensors"),
      (["evaluate", "--kv-budget", "1/0"], "1/0"),
      (["inspect", "short.safetensors"], "short.safetensors"),
    ]) func oneLine(arguments: [String], says: String) throws {
      let folder = try Scratch()
      try folder.write("short.safetensors", [200, 0, 0, 0, 0, 0, 0, 0] + Array("{\"a\":".utf8))
      try folder.write("empty.pt", [])
      try folder.write("long.safetensors", [255, 255, 255, 255, 255, 255, 255, 127, 123, 125])
      try folder.write("zip.pt", Array("PK\u{3}\u{4}".utf8) + [UInt8](repeating: 0, count: 40))
      let before = try folder.files
      let run = try Tool(arguments, in: folder)
      #expect(run.code == 1)
      #expect(run.errors.hasSuffix("\n") && run.errors.dropLast().contains("\n") == false)
      #expect(run.errors.contains(says), "\(run.errors)")
      #expect(run.output.isEmpty)
      #expect(try folder.files == before)
    }

    @Test(arguments: [["--nope"], ["--threads", "0"], ["--count", "x"], ["--preset", "GPT-Z"], ["--kv-branches", "x"]])
    func usage(arguments: [String]) throws {
      let run = try Tool(arguments, in: Scratch())
      #expect(run.code == 64 && run.errors.contains("Usage"))
    }

    @Test func unwritableFolder() throws {
      let folder = try Scratch()
      let run = try Tool(["-o", "/proc/headkv.png", "--class", "1", "-q"], in: folder)
      #expect(run.code == 1 && run.errors.contains("/proc/headkv.png"))
    }
  }
}
