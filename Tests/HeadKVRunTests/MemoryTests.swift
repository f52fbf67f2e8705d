import Foundation
import HeadKV
import HeadKVTestSupport
import Testing

extension ToolTests {
  /// What runs of a model of LlamaGen-B's width and depth take, by the peak that the system notes
  /// for their processes.
  @Suite(.serialized, .disabled(if: Sanitizer.isOn, "a sanitizer takes memory of its own"))
  struct MemoryTests {
    private static let layers = 12
    private static let width = 768
    private static let hidden = 2048
    private static let codes = 2048

    /// A file of random bf16 weights, about 180 MB.
    private func writeModel(to path: String) throws {
      var state: UInt32 = 1
      func random(_ name: String, _ rows: Int, _ columns: Int) -> TensorToWrite {
        .bf16(
          name, [rows, columns],
          (0..<rows * columns).map { _ in
            state = state &* 1_664_525 &+ 1_013_904_223
            return Float(state >> 8) * 0x1p-24 * 0.1 - 0.05
          })
      }
      func ones(_ name: String) -> TensorToWrite {
        .f32(name, [Self.width], [Float](repeating: 1, count: Self.width))
      }
      var tensors = [
        random("tok_embeddings.weight", Self.codes, Self.width), ones("norm.weight"),
        random("output.weight", Self.codes, Self.width),
        random("cls_embedding.embedding_table.weight", 11, Self.width),
      ]
      for layer in 0..<Self.layers {
        let prefix = "layers.\(layer)."
        tensors += [
          ones(prefix + "attention_norm.weight"), ones(prefix + "ffn_norm.weight"),
          random(prefix + "attention.wqkv.weight", 3 * Self.width, Self.width),
          random(prefix + "attention.wo.weight", Self.width, Self.width),
          random(prefix + "feed_forward.w1.weight", Self.hidden, Self.width),
          random(prefix + "feed_forward.w3.weight", Self.hidden, Self.width),
          random(prefix + "feed_forward.w2.weight", Self.width, Self.hidden),
        ]
      }
      try SafetensorsWriter.write(tensors, to: path)
    }

    private static let parameters =
      layers * (4 * width * width + 3 * width * hidden) + 2 * codes * width

    private struct Run {
      let peak: Int
      let cache: Int
      let planned: Int
    }

    private func run(_ arguments: [String], in folder: Scratch) throws -> Run {
      let run = try Tool(
        ["--grid", "8", "--tokens-out", "t.safetensors", "--json"] + arguments, in: folder)
      #expect(run.code == 0, "\(run.errors)")
      let summary = try run.json()
      return Run(
        peak: try #require(summary["peakMemoryBytes"] as? Int),
        cache: try #require(summary["cacheBytesPeak"] as? Int),
        planned: try #require(summary["cacheBytesPlanned"] as? Int))
    }

    /// At most the weights in their precision, the slabs that were planned and 64 MiB; and as much
    /// less under a budget, or with smaller rows, as the caches are smaller.
    @Test func runsTakeWhatTheySay() throws {
      let folder = try Scratch()
      try writeModel(to: folder.file("m.safetensors"))
      for (precision, bytes) in [("auto", 2), ("f32", 4), ("bf16", 2), ("bf12", 1.52), ("int8", 1)] {
        let found = try run(["--gpt", "m.safetensors", "--precision", precision], in: folder)
        let rest = found.peak - Int(Double(Self.parameters) * bytes) - found.planned
        #expect(rest <= 64 << 20, "\(precision): \(rest >> 20) MiB")
      }
      let packed = try Tool(
        ["pack", "--gpt", "m.safetensors", "--grid", "8", "--precision", "bf16", "-o", "m.headkv"],
        in: folder)
      #expect(packed.code == 0, "\(packed.errors)")
      let mapped = try run(["--gpt", "m.headkv"], in: folder)
      #expect(mapped.peak - Self.parameters * 2 - mapped.planned <= 64 << 20)

      let pictures = ["--gpt", "m.headkv", "--count", "16", "--batch", "16"]
      let full = try run(pictures, in: folder)
      let sixth = try run(pictures + ["--kv-budget", "1/6"], in: folder)
      let halves = try run(pictures + ["--kv-type", "bf16"], in: folder)
      #expect(full.cache >= 150_000_000 && sixth.cache < full.cache / 2)
      for found in [full, sixth, halves] {
        #expect(found.cache <= found.planned)
        let rest = found.peak - Self.parameters * 2 - found.planned
        #expect(rest <= 64 << 20, "\(rest >> 20) MiB")
      }
      for smaller in [sixth, halves] {
        let saved = Double(full.peak - smaller.peak) / Double(full.cache - smaller.cache)
        #expect(saved >= 0.9 && saved <= 1.1, "\(saved)")
      }
    }

    /// The process stays within the limit that it is given, whatever it picks for it: several
    /// pictures at a time, or one in a part of its cache.
    @Test func runsStayWithinALimit() throws {
      let folder = try Scratch()
      try writeModel(to: folder.file("m.safetensors"))
      let bundled = ["--class", "all", "--count", "2", "-o", "p%d.png"]
      let larger = [
        "--gpt", "m.safetensors", "--grid", "20", "--count", "3", "--tokens-out", "t.safetensors",
      ]
      var found: [(batch: Int, budget: String?)] = []
      for (mebibytes, flags) in [
        (96, bundled), (112, bundled), (112, bundled + ["--preview", "v.png"]),
        (130, Array(bundled.dropLast()) + ["sheet.png"]), (400, larger), (270, larger),
        (190, larger + ["--precision", "int8"]),
      ] {
        let run = try Tool(flags + ["--max-memory", "\(mebibytes)MiB", "--json"], in: folder)
        #expect(run.code == 0, "\(run.errors)")
        let summary = try run.json()
        let peak = try #require(summary["peakMemoryBytes"] as? Int)
        let planned = try #require(summary["memoryPlannedBytes"] as? Int)
        #expect(planned <= mebibytes << 20 && summary["memoryLimitBytes"] as? Int == mebibytes << 20)
        #expect(peak <= planned, "\(flags): \(peak >> 20) MiB of \(planned >> 20)")
        // Not so careful that little is left to use.
        #expect(Double(peak) >= 0.6 * Double(planned), "\(flags): \(peak >> 20) of \(planned >> 20)")
        found.append((try #require(summary["batch"] as? Int), summary["kvBudget"] as? String))
      }
      #expect(found[0].batch >= 1 && found[0].batch < found[1].batch && found[1].batch < 16)
      #expect(found[4].batch > 1 && found[4].budget == nil)
      #expect(found[5].batch == 1 && found[5].budget?.hasSuffix("rows") ?? false)
      let refused = try Tool(larger + ["--max-memory", "200MiB"], in: folder)
      #expect(refused.code == 1 && refused.errors.contains("weights 168"), "\(refused.errors)")
      #expect(refused.errors.contains("--precision int8: "))
    }
  }
}
