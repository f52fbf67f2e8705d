import Foundation
import HeadKVCache
import HeadKVModels
import HeadKVTestSupport
import HeadKVWeights
import Testing

/// Packed files of the golden models.
@Suite struct PackedFileTests {
  private static let precisions: [WeightPrecision] = [.f32, .bf16, .bf12, .int8]

  private func source(_ model: String) throws -> (catalog: TensorCatalog, hints: GPTHints) {
    (
      try TensorCatalog.open(Golden.path("\(model)/gpt.safetensors")),
      try GPTHints(sidecar: Golden.path("\(model)/config.json"))
    )
  }

  /// Packs a golden model into a folder of its own, hands it to `body` and removes it.
  private func withPacked(
    _ model: String, _ precision: WeightPrecision,
    _ body: (_ path: String, _ loaded: GPT) throws -> Void
  ) throws {
    let folder = NSTemporaryDirectory() + "headkv-packed-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let (catalog, hints) = try source(model)
    let loaded = try GPT(catalog, hints: hints, precision: precision)
    try loaded.writePacked(
      to: folder + "/m.headkv", source: catalog, classNames: ["a b", "c"], threads: 2)
    try body(folder + "/m.headkv", loaded)
  }

  private func error(_ body: () throws -> Void) -> String {
    do { try body() } catch { return "\(error)" }
    return "no error"
  }

  private func bytes(_ path: String) throws -> [UInt8] {
    [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
  }

  /// Logits of some steps under both branches' conditions, with budgets set by measured heads.
  private func logits(_ model: GPT, _ conditions: [Condition]) throws -> [Float] {
    let policy = try PolicyCatalog.make(
      "auto", budget: CacheBudget(parsing: "40%"), shape: model.configuration.sequenceShape)
    let engine = DecodeEngine(model: model, policy: policy, sequences: 2, threads: 2)
    for (sequence, condition) in conditions.enumerated() {
      try engine.begin(sequence, condition: condition)
    }
    var all: [Float] = []
    for step in 0..<model.configuration.grid.count - 1 {
      engine.step(
        (0..<2).map {
          StepRow(
            sequence: $0, token: Int32((step * 7 + $0) % model.configuration.vocabulary),
            position: Int32(step))
        })
      for sequence in 0..<2 {
        engine.withLogits(sequence) { row in for index in row.indices { all.append(row[index]) } }
      }
    }
    return all
  }

  @Test(arguments: precisions)
  func drawsAsTheModelItWasMadeFrom(_ precision: WeightPrecision) throws {
    try withPacked("c2i-tiny", precision) { path, loaded in
      let packed = try GPT(TensorCatalog.open(path))
      #expect(packed.configuration == loaded.configuration && packed.precision == precision)
      #expect(packed.unexpected.isEmpty && packed.weightBytes == loaded.weightBytes)
      let classes: [Condition] = [.category(1), .category(loaded.configuration.classCount)]
      #expect(try logits(packed, classes) == logits(loaded, classes))
    }
    try withPacked("t2i-tiny", precision) { path, loaded in
      let packed = try GPT(TensorCatalog.open(path))
      let captions = try [0, 1].map { Condition.caption(try Golden("t2i-tiny").caption($0)) }
      #expect(try logits(packed, captions) == logits(loaded, captions))
    }
  }

  @Test func saysWhatItIs() throws {
    try withPacked("c2i-tiny", .bf16) { path, _ in
      let catalog = try TensorCatalog.open(path)
      let header = try PackedHeader(catalog)
      #expect(header.precision == .bf16 && header.classNames == ["a b", "c"])
      #expect(header.sources.map(\.name) == ["gpt.safetensors"])
      #expect(header.sources[0].digest.count == 64)
      #expect(PackedHeader.isPresent(in: catalog) && GPT.damage(in: catalog).isEmpty)
      #expect(try !PackedHeader.isPresent(in: source("c2i-tiny").catalog))
      // The kernels read whole cache lines.
      for tensor in catalog.tensors where tensor.name.hasSuffix(".panels") {
        #expect(tensor.offset % 64 == 0, "\(tensor.name)")
      }
    }
  }

  @Test func refusesWhatItDoesNotHold() throws {
    try withPacked("c2i-tiny", .bf16) { path, loaded in
      let catalog = try TensorCatalog.open(path)
      func error(_ hints: GPTHints, _ precision: WeightPrecision = .auto) -> String {
        self.error { _ = try GPT(catalog, hints: hints, precision: precision) }
      }
      #expect(error(GPTHints(), .bf16) == "no error")
      #expect(error(GPTHints(), .int8).contains("packed in bf16, int8 asked for"))
      #expect(error(GPTHints(heads: 64)).contains("the number of heads"))
      #expect(error(GPTHints(grid: TokenGrid(width: 3, height: 5))).contains("3x5"))
      #expect(error(GPTHints(preset: .named("GPT-B"))).contains("m.headkv: the "))
      #expect(
        self.error { try loaded.writePacked(to: path + "2", source: catalog) }
          .contains("packed already"))
      let (plain, hints) = try source("c2i-tiny")
      let unpacked = try GPT(plain, hints: hints)
      #expect(
        self.error { try unpacked.writePacked(to: path + "2", source: plain) }
          .contains("only f32, bf16, bf12 and int8"))
      #expect(!FileManager.default.fileExists(atPath: path + "2"))
    }
  }

  /// A file that is cut short, or whose header differs in one bit, is refused when it is opened.
  @Test func noticesDamage() throws {
    try withPacked("c2i-tiny", .int8) { path, _ in
      let sound = try bytes(path)
      let header = 8 + Int(sound[0]) + Int(sound[1]) << 8 + Int(sound[2]) << 16
      _ = try GPT(TensorCatalog.read(sound, name: "x"))
      for count in [0, 7, 8, header / 2, header - 1, header, sound.count - 1] {
        let text = error { _ = try GPT(TensorCatalog.read(Array(sound[..<count]), name: "x")) }
        #expect(text.hasPrefix("x: "), "\(count) bytes: \(text)")
      }
      for at in stride(from: 0, to: header, by: 13) {
        var bytes = sound
        bytes[at] ^= 1 << UInt8(at % 7)
        let text = error { _ = try GPT(TensorCatalog.read(bytes, name: "x")) }
        #expect(text.hasPrefix("x: "), "byte \(at): \(text)")
      }
      // In the elements it is found by their digests, and by name.
      let catalog = try TensorCatalog.open(path)
      let victim = try #require(catalog["layers.0.attention.wo.weight.panels"])
      var bytes = sound
      bytes[victim.offset + victim.byteCount / 2] ^= 4
      let damage = GPT.damage(in: try TensorCatalog.read(bytes, name: "x"))
      #expect(damage.map(\.tensor) == [victim.name])
    }
  }

  /// Files that are whole and say something that cannot be: an error that names the file, whatever
  /// the header says.
  @Test func survivesEveryHeader() throws {
    try withPacked("c2i-tiny", .int8) { path, _ in
      let catalog = try TensorCatalog.open(path)
      let other = path + ".other"
      /// Writes the file anew, with a sound header digest.
      func rewrite(_ metadata: [String: String], _ change: (TensorToWrite) -> TensorToWrite?) throws {
        let bytes = try bytes(path)
        let owner = NSData(bytes: bytes, length: bytes.count)
        let tensors = catalog.tensors.map {
          unsafe TensorToWrite.stored(
            $0.name, $0.dtype, $0.shape,
            RawBytes(owner.bytes + $0.offset, count: $0.byteCount, owner: owner))
        }
        var sealed = metadata
        if sealed[HeaderSeal.key] != nil { sealed[HeaderSeal.key] = HeaderSeal.open }
        try SafetensorsWriter.write(tensors.compactMap(change), metadata: sealed, to: other)
      }
      func opened() -> String { error { _ = try GPT(TensorCatalog.open(other)) } }
      try rewrite(catalog.metadata) { $0 }
      #expect(opened() == "no error")
      for key in catalog.metadata.keys where !key.hasPrefix("sha256:") {
        for value in [nil, "", "x", "0", "1", "-1", "2", "999999999", "9223372036854775807", "nan"] {
          var metadata = catalog.metadata
          metadata[key] = value
          try rewrite(metadata) { $0 }
          let text = opened()
          #expect(text == "no error" || text.contains("m.headkv.other: "), "\(key): \(text)")
        }
      }
      var newer = catalog.metadata
      newer["headkv_packed_layout"] = "2"
      try rewrite(newer) { $0 }
      #expect(opened().contains("packed in layout 2, this reads 1"))
      let name = "layers.0.feed_forward.w1.weight.panels"
      try rewrite(catalog.metadata) { $0.name == name ? nil : $0 }
      #expect(opened().contains("tensor '\(name)': no such tensor"))
      try rewrite(catalog.metadata) { $0.name == name ? .f32(name, [2], [1, 2]) : $0 }
      #expect(opened().contains("tensor '\(name)': shape: "))
      let norm = try #require(catalog["norm.weight"])
      try rewrite(catalog.metadata) {
        $0.name == norm.name
          ? .i64(norm.name, norm.shape, [Int64](repeating: 1, count: norm.elementCount)) : $0
      }
      #expect(opened().contains("element type: F32 expected, I64 found"))
    }
  }
}
