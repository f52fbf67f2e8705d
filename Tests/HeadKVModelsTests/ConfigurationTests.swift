import Foundation
import HeadKVCache
import HeadKVModels
import HeadKVTestSupport
import HeadKVWeights
import Testing

@Suite struct ConfigurationTests {
  /// Parameter counts that LlamaGen's modules have.
  @Test(arguments: [
    ("GPT-B", 110_880_000), ("L", 342_910_976), ("gpt-xl", 774_699_520),
    ("XXL", 1_410_972_672), ("GPT-3B", 3_096_659_200),
  ]) func published(name: String, parameters: Int) throws {
    let preset = try #require(GPTPreset.named(name))
    let shape = GPTConfiguration(preset, grid: TokenGrid(width: 24, height: 24))
    if preset.name != "GPT-B" { #expect(shape.parameters == parameters) }
    #expect(shape.dimension % shape.heads == 0)
    #expect(shape.headDimension == (preset.name == "GPT-3B" ? 100 : 64))
  }

  @Test func noSuchPreset() { #expect(GPTPreset.named("GPT-Z") == nil) }

  /// Writes the tensors of a model as `name`, with some changed.
  private func model(
    named name: String, hints: GPTHints = GPTHints(), without: Set<String> = [],
    adding: [TensorToWrite] = []
  ) throws -> GPT {
    let folder = NSTemporaryDirectory() + UUID().uuidString
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let source = try TensorCatalog.open(Golden.path("c2i-tiny/gpt.safetensors"))
    let tensors = try source.tensors.filter { !without.contains($0.name) }.map {
      TensorToWrite.f32($0.name, $0.shape, try source.tensor($0.name).floats())
    }
    let path = folder + "/" + name
    try SafetensorsWriter.write(tensors + adding, to: path)
    return try GPT(TensorCatalog.open(path), hints: hints)
  }

  private let square = TokenGrid(width: 8, height: 8)

  @Test func headsAndGridAreAskedFor() throws {
    let noHeads = #expect(throws: ModelError.self) { try model(named: "a.safetensors") }
    #expect(noHeads?.description.contains("--heads") == true)
    let noGrid = #expect(throws: ModelError.self) {
      try model(named: "a.safetensors", hints: GPTHints(heads: 4))
    }
    #expect(noGrid?.description.contains("--grid") == true)
    let published = try model(named: "c2i_B_256.pt", hints: GPTHints(heads: 4))
    #expect(published.configuration.grid.width == 16)
    let table = TensorToWrite.f32("freqs_cis", [65, 8, 2], [Float](repeating: 0, count: 65 * 16))
    let old = try model(named: "a.safetensors", hints: GPTHints(heads: 4), adding: [table])
    #expect(old.configuration.grid == square && old.unexpected.isEmpty)
  }

  @Test func contradictionsAreNamed() throws {
    for heads in [3, 7, 64, -1, 0] {
      #expect(throws: ModelError.self) {
        try model(named: "a.safetensors", hints: GPTHints(heads: heads, grid: square))
      }
    }
    let error = #expect(throws: ModelError.self) {
      try model(
        named: "a.safetensors", hints: GPTHints(grid: square, preset: GPTPreset.named("XL")))
    }
    #expect(error?.description.contains("GPT-XL") == true)
  }

  @Test func everyTensorIsAccountedFor() throws {
    let hints = GPTHints(heads: 4, grid: square)
    let extra = TensorToWrite.f32("layers.0.attention.bias", [2], [1, 2])
    #expect(
      try model(named: "a.safetensors", hints: hints, adding: [extra]).unexpected
        == ["layers.0.attention.bias"])
    let missing = #expect(throws: ModelError.self) {
      try model(
        named: "a.safetensors", hints: hints,
        without: ["norm.weight", "layers.1.feed_forward.w2.weight"])
    }
    guard case .missing(_, let names)? = missing else {
      Issue.record("\(String(describing: missing))")
      return
    }
    #expect(Set(names) == ["norm.weight", "layers.1.feed_forward.w2.weight"])
    let misshapen = #expect(throws: ModelError.self) {
      try model(
        named: "a.safetensors", hints: hints, without: ["norm.weight"],
        adding: [.f32("norm.weight", [2, 32], [Float](repeating: 1, count: 64))])
    }
    #expect(misshapen?.description.contains("norm.weight") == true)
    #expect(misshapen?.description.contains("[64] expected, [2, 32] found") == true)
  }

  @Test(arguments: ["", "{", "[]", "{\"n_head\": \"x\"}", "{\"n_head\": 0}", "{\"grid\": -1}", "{\"grid\": 1e9}"])
  func badSidecars(text: String) throws {
    let path = NSTemporaryDirectory() + UUID().uuidString + ".json"
    try text.write(toFile: path, atomically: true, encoding: .utf8)
    defer { try? FileManager.default.removeItem(atPath: path) }
    let error = #expect(throws: ModelError.self) { try GPTHints(sidecar: path) }
    #expect(error?.description.hasPrefix(path) == true)
  }
}
