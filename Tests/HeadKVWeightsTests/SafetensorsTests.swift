import HeadKVTestSupport
import HeadKVWeights
import Testing

@Suite struct SafetensorsTests {
  private func problem(_ bytes: [UInt8]) -> WeightError.Problem? {
    do {
      _ = try TensorCatalog.read(bytes, name: "x.safetensors")
      return nil
    } catch {
      #expect(error.description.hasPrefix("x.safetensors: "))
      #expect(!error.description.contains("\n"))
      return error.problem
    }
  }

  private func entry(_ type: String, _ shape: String, _ begin: Int, _ end: Int) -> String {
    "{\"dtype\":\"\(type)\",\"shape\":\(shape),\"data_offsets\":[\(begin),\(end)]}"
  }

  @Test func roundTrip() throws {
    try withDirectory { directory in
      let path = directory + "/m.safetensors"
      try SafetensorsWriter.write(
        [
          .f32("b\"\n\u{e9}", [2, 2], [1, -2, .infinity, 0x1p-149]),
          .bf16("half", [3], [1, 1.00390625, 1.01171875]),
          .i64("count", [], [.min]), .f32("empty", [0, 4], []),
        ], metadata: ["note": "a\\b\t"], to: path)
      #expect(names(in: directory) == ["m.safetensors"])
      let catalog = try TensorCatalog.open(path)
      #expect(catalog.format == .safetensors)
      #expect(catalog.metadata == ["note": "a\\b\t"])
      #expect(catalog.tensors.map(\.name) == ["b\"\n\u{e9}", "count", "empty", "half"])
      let floats = try catalog.tensor("b\"\n\u{e9}", shape: [2, 2])
      #expect(try floats.floats() == [1, -2, .infinity, 0x1p-149])
      #expect(floats.contiguousBytes?.count == 16)
      #expect(throws: WeightError.self) { try floats.integers() }
      // Ties go to the even neighbour.
      #expect(try catalog.tensor("half").floats() == [1, 1, 1.015625])
      #expect(try catalog.tensor("count").integers() == [.min])
      #expect(try catalog.tensor("empty").floats() == [])
      #expect(try TensorCatalog.open(directory).path == path)

      let bytes = readFile(path)
      for count in 0..<bytes.count {
        #expect(problem(Array(bytes.prefix(count))) != nil, "\(count) bytes")
      }
    }
  }

  @Test func writerRefusesWhatDoesNotFit() throws {
    try withDirectory { directory in
      let path = directory + "/m.safetensors"
      #expect(throws: WeightError.self) {
        try SafetensorsWriter.write([.f32("a", [3], [1])], to: path)
      }
      #expect(throws: WeightError.self) {
        try SafetensorsWriter.write([.f32("a", [1], [1]), .i64("a", [1], [1])], to: path)
      }
      #expect(throws: WeightError.self) {
        try SafetensorsWriter.write([], to: directory + "/none/m.safetensors")
      }
      #expect(names(in: directory) == [])
    }
  }

  @Test func missingAndMisshapen() throws {
    let bytes = safetensors("{\"w\":" + entry("F32", "[2]", 0, 8) + "}", data: floatBytes([1, 2]))
    let catalog = try TensorCatalog.read(bytes, name: "x")
    #expect(catalog["v"] == nil)
    #expect(throws: WeightError(file: "x", tensor: "v", problem: .missingTensor)) {
      try catalog.tensor("v")
    }
    #expect(
      throws: WeightError(
        file: "x", tensor: "w", problem: .shapeMismatch(expected: [1, 2], found: [2]))
    ) { try catalog.tensor("w", shape: [1, 2]) }
  }

  @Test func oversizedHeader() {
    for length in [UInt64(100_000_001), .max, 1 << 63, 3] {
      var bytes: [UInt8] = []
      bytes.little(length)
      #expect(problem(bytes + [0x7b, 0x7d]) != nil)
    }
    #expect(problem([]) == .truncated(neededBytes: 8, availableBytes: 0))
  }

  @Test func hostileHeaders() {
    let sound = entry("F32", "[2]", 0, 8)
    let data = floatBytes([1, 2, 3, 4])
    #expect(problem(safetensors("{\"w\":\(sound)}  ", data: data)) == nil)
    #expect(
      problem(safetensors("{\"a\":\(sound),\"b\":\(entry("F32", "[2]", 4, 12))}", data: data))
        == .overlap(with: "a"))
    #expect(problem(safetensors("{\"w\":\(sound),\"w\":\(sound)}", data: data)) == .duplicate("w"))
    let bad = [
      entry("F33", "[2]", 0, 8), entry("F32", "[3]", 0, 8), entry("F32", "[2]", 8, 0),
      entry("F32", "[2]", 12, 20), entry("F32", "[-2]", 0, 8), entry("F32", "[2.0]", 0, 8),
      entry("F32", "[2e0]", 0, 8), entry("F32", "[02]", 0, 8), entry("F32", "[true]", 0, 8),
      entry("F32", "[4294967296,4294967296,4294967296]", 0, 8),
      entry("F32", "[9223372036854775807]", 0, 8), entry("F32", "[99999999999999999999]", 0, 8),
      entry("F32", "[0,9223372036854775807,9223372036854775807]", 0, 0),
      entry("F32", "[" + Array(repeating: "1", count: 65).joined(separator: ",") + "]", 0, 4),
      "{\"dtype\":\"F32\",\"shape\":[2]}", "{\"dtype\":\"F32\",\"data_offsets\":[0,8]}",
      "{\"shape\":[2],\"data_offsets\":[0,8]}", "[]", "null", "3", "\"x\"", "",
      String(repeating: "[", count: 100_000), "{\"a\":" + String(repeating: "[", count: 100_000),
    ]
    for entry in bad { #expect(problem(safetensors("{\"w\":\(entry)}", data: data)) != nil) }
    for header in ["", "[]", "{", "}", " {}", "{}x", "{\"\\ud800\":1}", "{\"__metadata__\":{\"a\":1}}"] {
      #expect(problem(safetensors(header)) != nil)
    }
    var invalid = safetensors("{\"??\":\(sound)}", data: data)
    invalid[10] = 0xff
    #expect(problem(invalid) != nil)
  }

  @Test func sharded() throws {
    try withDirectory { directory in
      try SafetensorsWriter.write(
        [.f32("a", [1], [1]), .f32("extra", [1], [9])], to: directory + "/s1.safetensors")
      try SafetensorsWriter.write([.f32("b", [1], [2])], to: directory + "/s2.safetensors")
      let index = directory + "/m.safetensors.index.json"
      func write(_ map: String) {
        writeFile(Array("{\"metadata\":{\"total_size\":8},\"weight_map\":{\(map)}}".utf8), index)
      }
      write("\"a\":\"s1.safetensors\",\"b\":\"s2.safetensors\"")
      for path in [index, directory, directory + "/"] {
        let catalog = try TensorCatalog.open(path)
        #expect(catalog.format == .shardedSafetensors)
        #expect(catalog.tensors.map(\.name) == ["a", "b"])
        #expect(catalog.skipped == ["s1.safetensors:extra"])
        #expect(try catalog.tensor("b").floats() == [2])
        #expect(catalog["b"]?.file == directory + "/s2.safetensors")
      }
      for map in [
        "\"a\":\"../s1.safetensors\"", "\"a\":\"/etc/passwd\"", "\"a\":\"\"", "\"a\":\"..\"",
        "\"a\":\"s3.safetensors\"", "\"c\":\"s1.safetensors\"", "\"a\":1",
        "\"a\":\"s1.safetensors\",\"a\":\"s2.safetensors\"",
      ] {
        write(map)
        #expect(throws: WeightError.self) { try TensorCatalog.open(index) }
      }
    }
  }

  @Test func halfFloats() {
    #if arch(arm64) || os(Linux)
      for bits in UInt16.min...UInt16.max {
        let value = HalfFloat.f16(bits)
        let expected = Float(Float16(bitPattern: bits))
        #expect(value.bitPattern == expected.bitPattern || (value.isNaN && expected.isNaN))
      }
    #endif
    #expect(HalfFloat.bf16(0x3f80) == 1)
    #expect(HalfFloat.bf16(HalfFloat.toBF16(.nan)).isNaN)
    #expect(HalfFloat.toBF16(.greatestFiniteMagnitude) == 0x7f80)
  }

  @Test func everyType() throws {
    let stored: [(DType, [UInt8])] = [
      (.f64, [0, 0, 0, 0, 0, 0, 0xf8, 0xbf]), (.f32, floatBytes([-1.5])), (.f16, [0, 0xbe]),
      (.bf16, [0xc0, 0xbf]),
    ]
    for (type, data) in stored {
      let header = "{\"w\":\(entry(type.rawValue, "[]", 0, data.count))}"
      let tensor = try TensorCatalog.read(safetensors(header, data: data), name: "x").tensor("w")
      #expect(try tensor.floats() == [-1.5])
    }
    for type in DType.allCases where type.isInteger {
      let data = [UInt8](repeating: 0xff, count: type.byteCount)
      let header = "{\"w\":\(entry(type.rawValue, "[1]", 0, data.count))}"
      let tensor = try TensorCatalog.read(safetensors(header, data: data), name: "x").tensor("w")
      let expected: Int64 = type == .u8 ? 255 : type == .bool ? 1 : -1
      #expect(try tensor.integers() == [expected])
      #expect(try tensor.floats() == [Float(expected)])
    }
  }
}
