import HeadKVTestSupport
import HeadKVWeights
import Testing

@Suite struct TorchTests {
  private func fails(_ bytes: [UInt8]) -> Bool {
    do {
      _ = try TensorCatalog.read(bytes, name: "x.pt")
      return false
    } catch {
      #expect(error.description.hasPrefix("x.pt: "))
      return true
    }
  }

  @Test func checkpointBesideOptimizerAndArguments() throws {
    let bytes = trainingCheckpoint()
    let catalog = try TensorCatalog.read(bytes, name: "x.pt")
    #expect(catalog.format == .torch)
    #expect(catalog.tensors.map(\.name) == ["a.weight", "b.weight"])
    #expect(catalog.skipped == ["optimizer", "steps", "args"])
    #expect(try catalog.tensor("a.weight", shape: [2, 3]).floats() == [1, 2, 3, 4, 5, 6])
    #expect(catalog["b.weight"]?.dtype == .bf16)
    #expect(try catalog.tensor("b.weight").floats() == [1, -2])
    for count in 0..<bytes.count {
      #expect(fails(Array(bytes.prefix(count))), "\(count) bytes")
    }
  }

  @Test func stridedViewWithOffset() throws {
    let data = floatBytes((0..<12).map(Float.init))
    let pickle = singleTensor(count: 12, offset: 1, shape: [2, 2, 2], strides: [6, 1, 3])
    for zip64 in [false, true] {
      let bytes = torchArchive(pickle, storages: ["0": data], zip64: zip64)
      let tensor = try TensorCatalog.read(bytes, name: "x.pt").tensor("w")
      #expect(!tensor.info.isContiguous)
      #expect(tensor.contiguousBytes == nil)
      #expect(try tensor.floats() == [1, 4, 2, 5, 7, 10, 8, 11])
    }
    let expanded = singleTensor(count: 2, offset: 1, shape: [3], strides: [0])
    let bytes = torchArchive(expanded, storages: ["0": floatBytes([1, 2])])
    #expect(try TensorCatalog.read(bytes, name: "x").tensor("w").floats() == [2, 2, 2])
  }

  @Test func viewsOutsideTheirStorage() {
    let data = floatBytes([1, 2, 3, 4])
    let huge = Int(Int32.max)
    let pickles = [
      singleTensor(count: 5, shape: [1], strides: [1]),
      singleTensor(count: 4, shape: [5], strides: [1]),
      singleTensor(count: 4, offset: 1, shape: [4], strides: [1]),
      singleTensor(count: 4, offset: 5, shape: [0], strides: [1]),
      singleTensor(count: 4, offset: -1, shape: [1], strides: [1]),
      singleTensor(count: 4, shape: [2], strides: [-1]),
      singleTensor(count: 4, shape: [-1], strides: [1]),
      singleTensor(count: 4, shape: [2, 2], strides: [1]),
      singleTensor(count: 4, shape: [huge, huge, huge], strides: [0, 0, 0]),
      singleTensor(count: 4, shape: [huge], strides: [0]),
      singleTensor(count: 4, shape: [huge, huge], strides: [huge, huge]),
      singleTensor(type: "DoubleStorage", count: 4, shape: [4], strides: [1]),
      singleTensor(type: "ComplexFloatStorage", count: 2, shape: [2], strides: [1]),
    ]
    for pickle in pickles { #expect(fails(torchArchive(pickle, storages: ["0": data]))) }
    let sound = singleTensor(count: 4, shape: [4], strides: [1])
    #expect(!fails(torchArchive(sound, storages: ["0": data])))
    #expect(fails(torchArchive(sound, storages: ["1": data])))
    #expect(fails(torchArchive(sound, storages: ["0": data], order: "big")))
  }

  @Test func cyclicAndDeep() throws {
    // A dictionary that is its own model.
    var cyclic = PickleBuilder()
    cyclic.raw("}q")
    cyclic.bytes.append(0)
    cyclic.text("model")
    cyclic.raw("h")
    cyclic.bytes.append(0)
    cyclic.raw("s.")
    #expect(fails(torchArchive(cyclic.bytes)))

    // A list that holds itself, and a million lists in one another, beside a tensor.
    var deep = PickleBuilder()
    deep.raw("}(")
    deep.text("loop")
    deep.raw("]2a")
    deep.text("deep")
    deep.bytes += [UInt8](repeating: UInt8(ascii: "]"), count: 1_000_000)
    deep.bytes += [UInt8](repeating: UInt8(ascii: "a"), count: 999_999)
    deep.text("w")
    deep.tensor(key: "0", count: 1, shape: [1], strides: [1])
    deep.raw("u.")
    let catalog = try TensorCatalog.read(
      torchArchive(deep.bytes, storages: ["0": floatBytes([3])]), name: "x.pt")
    #expect(catalog.skipped == ["loop", "deep"])
    #expect(try catalog.tensor("w").floats() == [3])

    // Tuples in one another, and models in models.
    var tuples = PickleBuilder()
    tuples.raw(")")
    tuples.bytes += [UInt8](repeating: 0x85, count: 1_000_000)
    tuples.raw(".")
    #expect(fails(torchArchive(tuples.bytes)))
  }

  @Test func nothingIsCalled() {
    for (module, name) in [("os", "system"), ("builtins", "eval"), ("torch", "load")] {
      var pickle = PickleBuilder()
      pickle.global(module, name)
      pickle.raw("(")
      pickle.text("echo")
      pickle.raw("tR}b.")
      #expect(fails(torchArchive(pickle.bytes)))
    }
    for pickle in ["", ".", "0.", "h\u{1}.", "(.", "a.", "s.", "R.", "Q.", "]t.", "i", "N)R.", "u."] {
      #expect(fails(torchArchive([0x80, 2] + Array(pickle.utf8))))
    }
    #expect(fails(torchArchive([0x80, 1, 0x4e, 0x2e])))
  }

  @Test func nestedWrappers() throws {
    var pickle = PickleBuilder()
    pickle.raw("}(")
    pickle.text("state_dict")
    pickle.raw("}(")
    pickle.text("epoch")
    pickle.raw("N")
    pickle.text("module")
    pickle.raw("}")
    pickle.text("w")
    pickle.tensor(key: "0", count: 1, shape: [], strides: [])
    pickle.raw("suu.")
    let catalog = try TensorCatalog.read(
      torchArchive(pickle.bytes, storages: ["0": floatBytes([3])]), name: "x.pt")
    #expect(catalog.tensors.map(\.name) == ["w"])
    #expect(catalog.skipped == ["state_dict.epoch"])
  }

  @Test func lyingArchives() {
    let pickle = singleTensor(count: 1, shape: [1], strides: [1])
    var zip = ZipBuilder()
    zip.members = [("a/data.pkl", pickle), ("a/data/0", floatBytes([1]))]
    #expect(!fails(zip.build()))
    var compressed = zip
    compressed.method = 8
    #expect(fails(compressed.build()))
    for size in [UInt32(0), 1000, 0x7fff_ffff, .max - 1, .max] {
      for zip64 in [false, true] {
        var lying = zip
        lying.claimedSize = size
        lying.zip64 = zip64
        #expect(fails(lying.build()), "claimed \(size)")
      }
    }
    var overlapping = zip
    overlapping.members.append(("a/data.pkl", pickle))
    #expect(fails(overlapping.build()))
    overlapping.sameHeader = true
    #expect(fails(overlapping.build()))
    var twice = zip
    twice.members.append(("b/data.pkl", pickle))
    #expect(fails(twice.build()))
    var none = zip
    none.members.removeFirst()
    #expect(fails(none.build()))
  }
}
