/// Reads the archives of `torch.save`: a zip file with a pickle and one member per storage.
enum TorchArchive {
  /// The most elements an expanded view may have beyond those of its storage.
  static let maximumExpanded = 1 << 24

  /// O(members + pickle) time and memory; reads no elements.
  static func read(_ file: MappedFile) throws(WeightError) -> Contents {
    let archive = try ZipArchive(file)
    func fail(_ problem: WeightError.Problem) -> WeightError {
      WeightError(file: file.path, problem: problem)
    }
    let pickles = archive.members.keys.filter {
      $0 == "data.pkl" || ($0.hasSuffix("/data.pkl") && $0.split(separator: "/").count == 2)
    }
    guard let pickle = pickles.first, let range = archive.members[pickle] else {
      throw fail(.missingMember("data.pkl"))
    }
    guard pickles.count == 1 else { throw fail(.malformed("more than one data.pkl")) }
    let root = String(pickle.dropLast("data.pkl".count))
    if let order = archive.members[root + "byteorder"] {
      var reader = try ByteReader(file, order)
      guard try reader.string(min(reader.remaining, 16)) == "little" else {
        throw fail(.unsupported("byte order other than little"))
      }
    }
    guard let found = try TorchPickle(file, range).stateDict() else { throw fail(.noStateDict) }
    var contents = Contents(files: [file], tensors: [], skipped: found.skipped)
    contents.tensors.reserveCapacity(found.tensors.count)
    for (name, tensor) in found.tensors {
      let info = try locate(name, tensor, archive, root, file.path)
      contents.tensors.append(FoundTensor(info: info, file: 0))
    }
    if let version = archive.members[root + "version"], version.count <= 16 {
      var reader = try ByteReader(file, version)
      let text = try reader.string(version.count)
      contents.metadata["version"] = String(text.prefix { $0.isNumber })
    }
    return contents
  }

  /// Checks that every element of the view lies in its storage, and the storage in its member.
  private static func locate(
    _ name: String, _ tensor: PickleValue.Tensor, _ archive: ZipArchive, _ root: String,
    _ path: String
  ) throws(WeightError) -> TensorInfo {
    func fail(_ problem: WeightError.Problem) -> WeightError {
      WeightError(file: path, tensor: name, problem: problem)
    }
    let storage = tensor.storage
    let member = root + "data/" + storage.key
    guard let range = archive.members[member] else { throw fail(.missingMember(member)) }
    let size = storage.dtype.byteCount
    guard storage.count <= range.count / size else {
      throw fail(
        .outOfRange(what: "storage elements", atMost: range.count / size, found: storage.count))
    }
    guard tensor.offset <= storage.count else {
      throw fail(
        .outOfRange(what: "storage offset", atMost: storage.count, found: tensor.offset))
    }
    guard
      let info = TensorInfo(
        name: name, dtype: storage.dtype, shape: tensor.shape, strides: tensor.strides,
        file: path, offset: range.lowerBound + tensor.offset * size),
      let reach = TensorInfo.reach(shape: tensor.shape, strides: tensor.strides)
    else {
      throw fail(.malformed("shape \(tensor.shape) with strides \(tensor.strides)"))
    }
    if info.elementCount > 0 {
      guard reach < storage.count - tensor.offset else {
        throw fail(
          .outOfRange(
            what: "last element", atMost: storage.count - tensor.offset - 1, found: reach))
      }
      let limit = max(storage.count, maximumExpanded)
      guard info.elementCount <= limit else {
        throw fail(.limit(what: "elements of a view", atMost: limit, found: info.elementCount))
      }
    }
    return info
  }
}
