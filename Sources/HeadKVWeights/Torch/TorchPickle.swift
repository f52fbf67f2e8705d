/// A pickle as `torch.save` writes it: the values that it makes, and the tensors among them.
struct TorchPickle {
  private let values: [PickleValue]
  /// Where the value lies that the pickle stands for.
  private let root: Int

  /// Reads the pickle in `range` of `file`. O(bytes) time and memory. Throws when the bytes are
  /// not a pickle of protocol 2 to 5 or use an opcode that `torch.save` does not.
  init(_ file: MappedFile, _ range: Range<Int>) throws(WeightError) {
    var reader = try ByteReader(file, range)
    guard try reader.u8() == 0x80 else { throw reader.error(.pickle("no protocol at the start")) }
    let version = try reader.u8()
    guard (2...5).contains(version) else {
      throw reader.error(.unsupported("pickle protocol \(version)"))
    }
    var machine = PickleMachine()
    while true {
      let instruction = try PickleInstruction(reading: &reader)
      do throws(PickleError) {
        try machine.follow(instruction)
        guard case .stop = instruction else { continue }
        root = try machine.pop()
      } catch { throw reader.error(error.problem) }
      values = machine.values
      return
    }
  }

  /// The text keys of a dictionary with their values, in order; empty for anything else.
  private func entries(_ index: Int) -> [(key: String, value: Int)] {
    guard case .dict(let items) = values[index] else { return [] }
    var entries: [(key: String, value: Int)] = []
    var places: [String: Int] = [:]
    for at in stride(from: 0, to: items.count - 1, by: 2) {
      guard case .string(let key) = values[items[at]] else { continue }
      if let place = places[key] {
        entries[place].value = items[at + 1]
      } else {
        places[key] = entries.count
        entries.append((key, items[at + 1]))
      }
    }
    return entries
  }

  /// The dictionary of tensors, and the names of all that lies beside it: under `model`, `module`
  /// or `state_dict`, in that order, or else at the top; up to four levels down.
  func stateDict() -> (tensors: [(name: String, tensor: PickleValue.Tensor)], skipped: [String])? {
    let wrappers = ["model", "module", "state_dict"]
    var level: [(value: Int, prefix: String, beside: [String])] = [(root, "", [])]
    var visited: Set<Int> = [root]
    for _ in 0..<4 {
      var next: [(value: Int, prefix: String, beside: [String])] = []
      for (value, prefix, beside) in level {
        let entries = entries(value)
        for wrapper in wrappers {
          guard let inner = entries.first(where: { $0.key == wrapper })?.value,
            visited.insert(inner).inserted
          else { continue }
          let others = entries.filter { $0.key != wrapper }.map { prefix + $0.key }
          let place = prefix + wrapper + "."
          if let found = tensors(inner, place) {
            return (found.tensors, beside + others + found.skipped)
          }
          next.append((inner, place, beside + others))
        }
        if let found = tensors(value, prefix) { return (found.tensors, beside + found.skipped) }
      }
      level = next
    }
    return nil
  }

  /// The tensors of a dictionary and the names of its other values; nil when it has no tensor.
  private func tensors(
    _ index: Int, _ prefix: String
  ) -> (tensors: [(name: String, tensor: PickleValue.Tensor)], skipped: [String])? {
    var tensors: [(name: String, tensor: PickleValue.Tensor)] = []
    var skipped: [String] = []
    for (key, value) in entries(index) {
      if case .tensor(let tensor) = values[value] {
        tensors.append((key, tensor))
      } else {
        skipped.append(prefix + key)
      }
    }
    return tensors.isEmpty ? nil : (tensors, skipped)
  }
}
