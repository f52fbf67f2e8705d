/// PyTorch's zip container: a pickle that names tensors, and their storages as stored members.
enum TorchArchive {
  /// - Throws: ``WeightError`` for a damaged archive or pickle, or a tensor outside its storage.
  static func read(
    _ file: MappedFile
  ) throws(WeightError) -> (tensors: [TensorInfo], skipped: [String]) {
    let archive = try ZipArchive(file)
    let pickles = archive.members.keys.filter { $0 == "data.pkl" || $0.hasSuffix("/data.pkl") }
    guard let pickle = pickles.min(by: { $0.count < $1.count }),
      let member = archive.members[pickle]
    else { throw WeightError(file.path, .malformed("the archive has no data.pkl")) }
    let root = String(pickle.dropLast("data.pkl".count))
    if let order = archive.members[root + "byteorder"],
      file.slice(order.offset, order.size) != Array("little".utf8)
    {
      throw WeightError(file.path, .unsupported("a byte order other than little-endian"))
    }
    let bytes = file.slice(member.offset, member.size) ?? []
    let (nodes, top) = try TorchPickle.read(bytes, file: file.path)
    let (state, skipped) = try StateDictionary.find(nodes, top, file.path)
    var tensors: [TensorInfo] = []
    for (name, tensor) in state {
      tensors.append(try place(name, tensor, root, archive, file))
    }
    return (tensors, skipped)
  }

  /// Where a tensor lies, every element of it inside its storage's member.
  private static func place(
    _ name: String, _ tensor: PickledTensor, _ root: String, _ archive: ZipArchive,
    _ file: MappedFile
  ) throws(WeightError) -> TensorInfo {
    func fail(_ problem: WeightError.Problem) -> WeightError {
      WeightError(file.path, problem, tensor: name)
    }
    guard let member = archive.members[root + "data/" + tensor.storage.key] else {
      throw fail(.malformed("its storage '\(tensor.storage.key)' is not in the archive"))
    }
    guard let count = TensorInfo.product(tensor.shape), tensor.offset >= 0,
      tensor.strides.allSatisfy({ $0 >= 0 })
    else { throw fail(.malformed("its size, stride or offset is impossible")) }
    let size = tensor.storage.dtype.byteCount
    let room = member.size / size
    if count > 0 {
      var last = tensor.offset
      for (extent, stride) in zip(tensor.shape, tensor.strides) {
        let (step, tooFar) = (extent - 1).multipliedReportingOverflow(by: stride)
        let (sum, tooBig) = last.addingReportingOverflow(step)
        guard !tooFar, !tooBig else { throw fail(.malformed("its strides overflow")) }
        last = sum
      }
      guard last < room else {
        throw fail(.outOfRange(what: "its last element", found: last, limit: room - 1))
      }
      guard count.multipliedReportingOverflow(by: size).overflow == false else {
        throw fail(.malformed("its size overflows"))
      }
    }
    return TensorInfo(
      name: name, dtype: tensor.storage.dtype, shape: tensor.shape, strides: tensor.strides,
      file: file.path, offset: count > 0 ? member.offset + tensor.offset * size : member.offset,
      elementCount: count)
  }
}

/// Finds the model in what a checkpoint holds beside it.
enum StateDictionary {
  private static let names = ["model", "module", "state_dict"]

  /// The tensors by name, and the names of what is left aside.
  ///
  /// The state dict is the top-level dictionary if that holds tensors, else what it has under
  /// `model`, `module` or `state_dict`, possibly one inside the other.
  static func find(
    _ nodes: [PickleNode], _ root: Int, _ file: String
  ) throws(WeightError) -> (tensors: [(String, PickledTensor)], skipped: [String]) {
    var current = root
    var skipped: [String] = []
    for _ in 0..<names.count + 1 {
      let entries = entries(nodes, current)
      var found: [String: PickledTensor] = [:]
      var others: [String] = []
      for (name, node) in entries {
        if case .tensor(let tensor) = nodes[node] {
          found[name] = tensor
        } else {
          others.append(name)
        }
      }
      let inner = names.lazy.compactMap { name in
        entries.last { $0.name == name && isDictionary(nodes[$0.node]) }
      }.first
      if found.isEmpty, let inner {
        skipped += others.filter { $0 != inner.name }
        current = inner.node
        continue
      }
      guard !found.isEmpty else { break }
      return (found.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }, skipped + others)
    }
    throw WeightError(
      file, .malformed("no state dict at top level nor under model, module or state_dict"))
  }

  private static func isDictionary(_ node: PickleNode) -> Bool {
    if case .dictionary = node { true } else { false }
  }

  private static func entries(_ nodes: [PickleNode], _ node: Int) -> [(name: String, node: Int)] {
    guard case .dictionary(let pairs) = nodes[node] else { return [] }
    return stride(from: 0, to: pairs.count - 1, by: 2).compactMap { index in
      guard case .string(let name) = nodes[pairs[index]] else { return nil }
      return (name, pairs[index + 1])
    }
  }
}
