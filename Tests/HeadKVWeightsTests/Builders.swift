import HeadKVTestSupport
import HeadKVWeights

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

func floatBytes(_ values: [Float]) -> [UInt8] {
  var bytes: [UInt8] = []
  for value in values { bytes.little(value.bitPattern) }
  return bytes
}

/// A safetensors file with the given header text and data.
func safetensors(_ header: String, data: [UInt8] = []) -> [UInt8] {
  var bytes: [UInt8] = []
  bytes.little(UInt64(header.utf8.count))
  return bytes + Array(header.utf8) + data
}

/// Pickle opcodes, one after another.
struct PickleBuilder {
  var bytes: [UInt8] = [0x80, 2]

  mutating func raw(_ text: String) { bytes += Array(text.utf8) }
  mutating func text(_ value: String) {
    raw("X")
    bytes.little(UInt32(value.utf8.count))
    raw(value)
  }
  mutating func int(_ value: Int32) {
    raw("J")
    bytes.little(value)
  }
  mutating func global(_ module: String, _ name: String) { raw("c\(module)\n\(name)\n") }
  mutating func ints(_ values: [Int]) {
    raw("(")
    for value in values { int(Int32(value)) }
    raw("t")
  }
  /// The arguments of `_rebuild_tensor_v2`, as a tuple.
  mutating func tensorArguments(
    key: String, type: String = "FloatStorage", count: Int, offset: Int = 0, shape: [Int],
    strides: [Int]
  ) {
    raw("((")
    text("storage")
    global("torch", type)
    text(key)
    text("cpu")
    int(Int32(count))
    raw("tQ")
    int(Int32(offset))
    ints(shape)
    ints(strides)
    bytes.append(0x89)
    global("collections", "OrderedDict")
    raw(")Rt")
  }
  mutating func tensor(
    key: String, type: String = "FloatStorage", count: Int, offset: Int = 0, shape: [Int],
    strides: [Int]
  ) {
    global("torch._utils", "_rebuild_tensor_v2")
    tensorArguments(
      key: key, type: type, count: count, offset: offset, shape: shape, strides: strides)
    raw("R")
  }
  /// `argparse.Namespace(...)` built from a dictionary.
  mutating func namespace() {
    global("argparse", "Namespace")
    raw(")")
    bytes.append(0x81)
    raw("}(")
    text("lr")
    raw("G")
    bytes += [0x3f, 0xf0, 0, 0, 0, 0, 0, 0]
    raw("ub")
  }
}

/// A state dict with one tensor `w`, at the top level.
func singleTensor(
  type: String = "FloatStorage", count: Int, offset: Int = 0, shape: [Int], strides: [Int]
) -> [UInt8] {
  var pickle = PickleBuilder()
  pickle.raw("}")
  pickle.text("w")
  pickle.tensor(
    key: "0", type: type, count: count, offset: offset, shape: shape, strides: strides)
  pickle.raw("s.")
  return pickle.bytes
}

/// A training checkpoint: the model beside optimizer state, arguments and a step count.
func trainingCheckpoint() -> [UInt8] { torchArchive(trainingPickle(), storages: trainingStorages) }

let trainingStorages = ["0": floatBytes([1, 2, 3, 4, 5, 6]), "1": [0x80, 0x3f, 0, 0xc0]]

func trainingPickle() -> [UInt8] {
  var pickle = PickleBuilder()
  pickle.raw("}(")
  pickle.text("model")
  pickle.global("collections", "OrderedDict")
  pickle.raw(")R(")
  pickle.text("a.weight")
  pickle.tensor(key: "0", count: 6, shape: [2, 3], strides: [3, 1])
  pickle.text("b.weight")
  pickle.global("torch._tensor", "_rebuild_from_type_v2")
  pickle.raw("(")
  pickle.global("torch._utils", "_rebuild_tensor_v2")
  pickle.global("torch.nn.parameter", "Parameter")
  pickle.tensorArguments(key: "1", type: "BFloat16Storage", count: 2, shape: [2], strides: [1])
  pickle.raw("}tRu}")
  pickle.text("_metadata")
  pickle.raw("}sb")
  pickle.text("optimizer")
  pickle.raw("}")
  pickle.text("state")
  pickle.tensor(key: "0", count: 6, shape: [6], strides: [1])
  pickle.raw("s")
  pickle.text("steps")
  pickle.int(7)
  pickle.text("args")
  pickle.namespace()
  pickle.raw("u.")
  return pickle.bytes
}

/// A directory of its own for a test, removed afterwards.
func withDirectory<R>(_ body: (String) throws -> R) throws -> R {
  var template = Array("/tmp/headkv-weights-XXXXXX".utf8CString)
  guard mkdtemp(&template) != nil else { throw WeightError(file: "/tmp", problem: .noStateDict) }
  let path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  defer {
    for name in names(in: path) { unlink(path + "/" + name) }
    rmdir(path)
  }
  return try body(path)
}

func names(in path: String) -> [String] {
  guard let stream = opendir(path) else { return [] }
  defer { closedir(stream) }
  var names: [String] = []
  while let entry = readdir(stream) {
    let name = withUnsafeBytes(of: &entry.pointee.d_name) {
      String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
    }
    if name != ".", name != ".." { names.append(name) }
  }
  return names.sorted()
}

func writeFile(_ bytes: [UInt8], _ path: String) {
  guard let file = fopen(path, "wb") else { return }
  fwrite(bytes, 1, bytes.count, file)
  fclose(file)
}

func readFile(_ path: String) -> [UInt8] {
  guard let file = fopen(path, "rb") else { return [] }
  defer { fclose(file) }
  var bytes = [UInt8](repeating: 0, count: 1 << 20)
  let count = fread(&bytes, 1, bytes.count, file)
  return Array(bytes.prefix(count))
}
