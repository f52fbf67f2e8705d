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
      let first = try #require(summary["secondsToFirstToken"] as? Double)
      #expect(first > 0 && first < 60)
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

    /// The type of the rows is reported and halves the cache; so it stands in the picture's recipe.
    @Test func saysTheTypeOfRows() throws {
      let folder = try Scratch()
      let drawn = try Tool(
        ["--class", "ship", "--kv-type", "bf16", "-o", "p.png", "--json"], in: folder)
      #expect(drawn.code == 0, "\(drawn.errors)")
      let summary = try drawn.json()
      #expect(summary["kvType"] as? String == "bf16")
      #expect(summary["cacheBytesPeak"] as? Int == 2 * 6 * 6 * 256 * (64 * 2 + 16))
      let recipe = try Tool(["inspect", "p.png"], in: folder)
      #expect(recipe.output.contains("kv-type bf16"))
      let whole = try Tool(["evaluate", "--limit", "1", "--kv-type", "int8", "--json"], in: folder)
      #expect(try whole.json()["type"] as? String == "int8")
      let text = try Tool(
        ["evaluate", "--limit", "1", "--kv-type", "int8", "--kv-budget", "1/6"], in: folder)
      #expect(text.output.contains("kv-budget 1/6, kv-type int8"))
      let profile = try Tool(["profile", "--limit", "1", "--kv-type", "f16", "--json"], in: folder)
      #expect(try profile.json()["type"] as? String == "f16")
      let csv = try Tool(
        [
          "compare", "--limit", "1", "--kv-policy", "window", "--kv-budget", "1/6", "--kv-type",
          "f16", "-f", "csv", "-q",
        ], in: folder)
      #expect(csv.output.contains("\nwindow,1/6,f16,"))
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

    /// A packed file draws the same tokens to the last one, whatever it was packed in, and takes the
    /// place of the model in every verb.
    @Test(arguments: ["f32", "bf16", "bf12", "int8"]) func packs(_ precision: String) throws {
      let folder = try Scratch()
      let packed = try Tool(["pack", "--precision", precision, "-o", "m.headkv"], in: folder)
      #expect(packed.code == 0 && packed.output.contains("wrote m.headkv: \(precision)"))
      let drawing = ["--class", "frog", "--kv-budget", "1/6", "--seed", "3"]
      let vq = ["--vq", BundledFiles.path("vq.safetensors"), "-o", "b.png"]
      let runs = [
        ["--precision", precision, "-o", "a.png", "--tokens-out", "a.safetensors"],
        ["--gpt", "m.headkv", "--tokens-out", "b.safetensors"] + vq,
      ]
      for run in runs { #expect(try Tool(drawing + run, in: folder).code == 0) }
      let tokens = try ["a", "b"].map {
        try TokenSet(reading: folder.file("\($0).safetensors")).tokens
      }
      #expect(tokens[0] == tokens[1] && tokens[0][0].count == 256)
      #expect(try PNG.read(folder.file("a.png")) == PNG.read(folder.file("b.png")))

      let inspected = try Tool(["inspect", "m.headkv"], in: folder)
      #expect(inspected.code == 0 && inspected.output.contains("packed in \(precision), layout 1"))
      #expect(inspected.output.contains("from gpt.safetensors, SHA-256 "))
      #expect(inspected.output.contains("6 heads of 32") && inspected.output.contains("frog"))
      let other = precision == "f32" ? "bf16" : "f32"
      let refused = try Tool(["--gpt", "m.headkv", "--precision", other] + vq, in: folder)
      #expect(refused.code == 1 && refused.errors.contains("packed in \(precision), \(other) asked"))
      let again = try Tool(
        ["pack", "--gpt", "m.headkv", "--precision", precision, "-o", "n.headkv"], in: folder)
      #expect(again.code == 1 && again.errors.contains("packed already"))
      #expect(try Tool(["pack", "-o", "n.headkv"], in: folder).code == 64)
      #expect(try !folder.files.contains("n.headkv"))

      var bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: folder.file("m.headkv"))))
      bytes[bytes.count / 2] ^= 1
      try folder.write("m.headkv", bytes)
      let damaged = try Tool(["inspect", "m.headkv"], in: folder)
      #expect(damaged.code == 1 && damaged.output.contains("the tensor changed since it was written"))
    }

    /// What is written does not depend on the processor.
    @Test(arguments: ["f32", "bf16", "bf12", "int8"]) func packsAlikeEverywhere(_ precision: String) throws {
      let folder = try Scratch()
      for name in ["portable", "avx2", "best"] {
        let run = try Tool(
          ["pack", "--precision", precision, "-o", name], in: folder,
          environment: name == "best" ? [:] : ["HEADKV_ISA": name])
        #expect(run.code == 0, "\(run.errors)")
      }
      let best = try TensorCatalog.open(folder.file("best"))
      for name in ["portable", "avx2"] {
        let other = try TensorCatalog.open(folder.file(name))
        #expect(other.tensors.map(\.name) == best.tensors.map(\.name))
        // Gains are measured with the kernels, whose sums differ in their last bits.
        for tensor in best.tensors where tensor.name != "output_gains" {
          let key = "sha256:" + tensor.name
          #expect(other.metadata[key] == best.metadata[key] && other.metadata[key] != nil, "\(key)")
        }
      }
    }

    /// A tokenizer that turns out to be broken ends the run with its own error.
    @Test func brokenTokenizer() throws {
      let folder = try Scratch()
      let source = try TensorCatalog.open(BundledFiles.path("vq.safetensors"))
      let tensors = try source.tensors.filter { $0.name != "decoder.conv_out.bias" }.map {
        TensorToWrite.f32($0.name, $0.shape, try source.tensor($0.name).floats())
      }
      try SafetensorsWriter.write(tensors, to: folder.file("vq.safetensors"))
      let run = try Tool(
        ["--vq", "vq.safetensors", "--count", "50", "-o", "x.png", "--tokens-out", "t.safetensors"],
        in: folder)
      #expect(run.code == 1 && run.errors.contains("vq.safetensors: tensor 'decoder.conv_out.bias'"))
      #expect(try folder.files == ["vq.safetensors"])
    }

    @Test func interruptLeavesNothing() throws {
      let folder = try Scratch()
      let run = try Tool(
        ["--class", "all", "--count", "500", "-o", "x.png", "--tokens-out", "x.safetensors"],
        in: folder, after: (1, { $0.interrupt() }))
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
      (["--grid", "1", "--gpt", BundledFiles.path("gpt.safetensors"), "--tokens-out", "t"], "single cell"),
      (["pack", "--precision", "bf16", "--gpt", "none.pt", "-o", "p"], "none.pt"),
      (["pack", "--precision", "bf16", "-o", "no/such/p"], "no/such"),
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

    @Test(arguments: [["--nope"], ["--threads", "0"], ["--count", "x"], ["--preset", "GPT-Z"], ["--kv-branches", "x"], ["--kv-type", "f64"]])
    func usage(arguments: [String]) throws {
      let run = try Tool(arguments, in: Scratch())
      #expect(run.code == 64 && run.errors.contains("Usage"))
    }

    /// What the environment asks for is checked as the flag is, by every command; the flag wins.
    @Test(arguments: [["doctor"], ["evaluate"], ["--class", "1"]], ["0", "1025", "many"])
    func threadsOfTheEnvironment(arguments: [String], setting: String) throws {
      let (folder, environment) = (try Scratch(), ["HEADKV_THREADS": setting])
      let run = try Tool(arguments, in: folder, environment: environment)
      #expect(run.code == 64 && run.errors.contains("HEADKV_THREADS is '\(setting)'"))
      #expect(try Tool(["inspect", "-t", "1"], in: folder, environment: environment).code == 0)
    }

    @Test func unwritableFolder() throws {
      let folder = try Scratch()
      let run = try Tool(["-o", "/proc/headkv.png", "--class", "1", "-q"], in: folder)
      #expect(run.code == 1 && run.errors.contains("/proc/headkv.png"))
    }
  }
}
