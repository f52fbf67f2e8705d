import HeadKVWeights

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

extension Array where Element == UInt8 {
  mutating func little<T: FixedWidthInteger>(_ value: T) {
    for index in 0..<(T.bitWidth / 8) {
      append(UInt8(truncatingIfNeeded: value >> T(index * 8)))
    }
  }
}

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

/// A stored zip archive; the knobs make it lie.
struct ZipBuilder {
  var members: [(name: String, data: [UInt8])] = []
  var method: UInt16 = 0
  var claimedSize: UInt32?
  var zip64 = false
  var sameHeader = false

  func build() -> [UInt8] {
    var bytes: [UInt8] = []
    var central: [UInt8] = []
    var first: Int?
    for (name, data) in members {
      let header = sameHeader ? (first ?? bytes.count) : bytes.count
      first = first ?? header
      let size = claimedSize ?? UInt32(data.count)
      bytes.little(UInt32(0x0403_4b50))
      for field in [UInt16(20), 0, method, 0, 0] { bytes.little(field) }
      bytes.little(UInt32(0))
      bytes.little(zip64 ? UInt32.max : size)
      bytes.little(zip64 ? UInt32.max : size)
      bytes.little(UInt16(name.utf8.count))
      bytes.little(UInt16(0))
      bytes += Array(name.utf8) + data

      central.little(UInt32(0x0201_4b50))
      for field in [UInt16(20), 20, 0, method, 0, 0] { central.little(field) }
      central.little(UInt32(0))
      central.little(zip64 ? UInt32.max : size)
      central.little(zip64 ? UInt32.max : size)
      central.little(UInt16(name.utf8.count))
      for field in [UInt16(zip64 ? 28 : 0), 0, 0, 0] { central.little(field) }
      central.little(UInt32(0))
      central.little(zip64 ? UInt32.max : UInt32(header))
      central += Array(name.utf8)
      if zip64 {
        central.little(UInt16(1))
        central.little(UInt16(24))
        for field in [UInt64(size), UInt64(size), UInt64(header)] { central.little(field) }
      }
    }
    let start = bytes.count
    bytes += central
    if zip64 {
      let record = bytes.count
      bytes.little(UInt32(0x0606_4b50))
      bytes.little(UInt64(44))
      for field in [UInt16(45), 45] { bytes.little(field) }
      for field in [UInt32(0), 0] { bytes.little(field) }
      for field in [members.count, members.count, central.count, start] {
        bytes.little(UInt64(field))
      }
      bytes.little(UInt32(0x0706_4b50))
      bytes.little(UInt32(0))
      bytes.little(UInt64(record))
      bytes.little(UInt32(1))
    }
    bytes.little(UInt32(0x0605_4b50))
    let count = zip64 ? UInt16.max : UInt16(members.count)
    for field in [UInt16(0), 0, count, count] { bytes.little(field) }
    bytes.little(zip64 ? UInt32.max : UInt32(central.count))
    bytes.little(zip64 ? UInt32.max : UInt32(start))
    bytes.little(UInt16(0))
    return bytes
  }
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

/// An archive of `torch.save` around a pickle; each storage is the data of a member.
func torchArchive(
  _ pickle: [UInt8], storages: [String: [UInt8]] = [:], order: String = "little",
  zip64: Bool = false
) -> [UInt8] {
  var zip = ZipBuilder()
  zip.zip64 = zip64
  zip.members = [("ckpt/data.pkl", pickle), ("ckpt/byteorder", Array(order.utf8))]
  for (key, data) in storages.sorted(by: { $0.key < $1.key }) {
    zip.members.append(("ckpt/data/\(key)", data))
  }
  zip.members.append(("ckpt/version", Array("3\n".utf8)))
  return zip.build()
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
