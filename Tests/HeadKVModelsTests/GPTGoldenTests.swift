import Foundation
import HeadKVCache
import HeadKVModels
import HeadKVTestSupport
import HeadKVWeights
import Testing

/// Logits `[T, vocabulary]` of a sequence that is fed `tokens`.
func teacherForced(_ engine: DecodeEngine, _ condition: Condition, _ tokens: [Int]) throws -> [[Float]] {
  try engine.begin(0, condition: condition)
  var result: [[Float]] = []
  for (index, token) in tokens.enumerated() {
    result.append(engine.withLogits(0) { span in (0..<span.count).map { span[$0] } })
    if index + 1 < tokens.count {
      engine.step([StepRow(sequence: 0, token: Int32(token), position: Int32(index))])
    }
  }
  return result
}

func largestDifference(_ rows: [[Float]], _ flat: ArraySlice<Float>) -> Float {
  zip(rows.joined(), flat).reduce(0) { max($0, abs($1.0 - $1.1)) }
}

@Suite struct GPTGoldenTests {
  @Test(arguments: ["c2i-tiny", "c2i-head100"], [1, 2]) func logits(folder: String, threads: Int) throws {
    let golden = try Golden(folder)
    let classes = try golden.integers("classes")
    let tokens = try golden.integers("tokens")
    let logits = try golden.floats("logits")
    let length = tokens.count / classes.count
    let size = logits.count / classes.count
    let engine = DecodeEngine(
      model: golden.model, sequences: 1, threads: threads)
    for (index, label) in classes.enumerated() {
      let rows = try teacherForced(
        engine, .category(label), Array(tokens[index * length..<(index + 1) * length]))
      #expect(rows.count == length && rows.joined().count == size)
      #expect(largestDifference(rows, logits[index * size..<(index + 1) * size]) < 2e-4)
    }
  }

  @Test func captionLogits() throws {
    let golden = try Golden("t2i-tiny")
    let tokens = try golden.integers("tokens")
    let logits = try golden.floats("logits")
    let engine = DecodeEngine(model: golden.model, sequences: 1, threads: 1)
    for index in 0..<2 {
      let rows = try teacherForced(
        engine, .caption(golden.caption(index)), Array(tokens[index * 36..<(index + 1) * 36]))
      let size = logits.count / 2
      #expect(largestDifference(rows, logits[index * size..<(index + 1) * size]) < 2e-4)
    }
  }

  /// Half-precision files give the model that their rounded weights are, close to the f32 one.
  @Test(arguments: ["gpt-bf16.safetensors", "gpt-fp16.safetensors"]) func halves(file: String) throws {
    let golden = try Golden("c2i-tiny", weights: file)
    let tokens = Array(try golden.integers("tokens")[..<64])
    let label = try golden.integers("classes")[0]
    let engine = DecodeEngine(model: golden.model, sequences: 1, threads: 1)
    let rows = try teacherForced(engine, .category(label), tokens)
    let flat = try golden.floats("logits")[..<(64 * 96)]
    #expect(largestDifference(rows, flat) < (file.contains("bf16") ? 0.2 : 0.02))
  }

  /// Both layouts of PyTorch archives hold the very weights of the safetensors file.
  @Test(arguments: ["gpt-ddp.pt", "gpt-fsdp.pt"]) func archives(file: String) throws {
    let plain = try TensorCatalog.open(Golden.path("c2i-tiny/gpt.safetensors"))
    let archive = try TensorCatalog.open(Golden.path("c2i-tiny/\(file)"))
    #expect(archive.format == .torch)
    #expect(archive.skipped == (file.contains("ddp") ? ["optimizer", "steps", "args"] : []))
    #expect(archive.tensors.map(\.name) == plain.tensors.map(\.name))
    for tensor in plain.tensors {
      #expect(
        try archive.tensor(tensor.name, shape: tensor.shape).floats()
          == plain.tensor(tensor.name).floats())
    }
  }

  @Test func namesWhatIsMissing() throws {
    let catalog = try TensorCatalog.open(Golden.path("c2i-tiny/expected.safetensors"))
    #expect(throws: ModelError.self) { try GPT(catalog) }
  }
}
