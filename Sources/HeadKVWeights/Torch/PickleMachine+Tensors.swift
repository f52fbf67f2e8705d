/// What calls of the known callables would make.
extension PickleMachine {
  /// Pushes what calling the value at `callable` would give, or an opaque value.
  mutating func call(_ callable: Int, _ arguments: Int) throws(PickleError) {
    var function: PickleCallable
    switch values[callable] {
    case .callable(let known): function = known
    case .opaque, .storageType: return push(.opaque)
    default: throw .malformed("a call of what is no callable")
    }
    var arguments = try tuple(arguments)
    // The wrapper of tensor subclasses names the function that is really meant.
    var unwrapped = 0
    while function == .rebuildFromType {
      unwrapped += 1
      guard arguments.count >= 3, unwrapped <= 4 else {
        throw .malformed("_rebuild_from_type_v2 with unsuitable arguments")
      }
      guard case .callable(let inner) = values[arguments[0]] else { return push(.opaque) }
      function = inner
      arguments = try tuple(arguments[2])
    }
    switch function {
    case .rebuildTensor: push(try tensor(arguments))
    case .rebuildParameter:
      guard let data = arguments.first else { throw .malformed("a parameter without data") }
      push(at: data)
    case .orderedDict: push(.dict(try pairs(arguments)))
    case .size:
      guard let sizes = arguments.first else { return push(.tuple([])) }
      push(at: sizes)
    case .rebuildFromType: push(.opaque)
    }
  }

  /// Pushes the storage that `('storage', type, key, location, element count)` describes.
  mutating func makeStorage(_ description: Int) throws(PickleError) {
    let items = try tuple(description)
    guard items.count >= 5, case .string("storage") = values[items[0]],
      case .string(let key) = values[items[2]], case .int(let count) = values[items[4]], count >= 0
    else { throw .malformed("a storage that is not described in the known way") }
    if case .storageType(let dtype?) = values[items[1]] {
      push(.storage(PickleValue.Storage(key: key, dtype: dtype, count: count)))
    } else {
      push(.opaque)
    }
  }

  private func tuple(_ place: Int) throws(PickleError) -> [Int] {
    guard case .tuple(let items) = values[place] else { throw .malformed("a tuple expected") }
    return items
  }

  /// The contents of an ordered dictionary made from a list of pairs.
  private mutating func pairs(_ arguments: [Int]) throws(PickleError) -> [Int] {
    guard let first = arguments.first else { return [] }
    let items: [Int]
    switch values[first] {
    case .list(let list), .tuple(let list): items = list
    case .dict(let dict):
      try spend(dict.count)
      return dict
    default: throw .malformed("OrderedDict of what is no list of pairs")
    }
    try spend(items.count)
    var result: [Int] = []
    for item in items {
      switch values[item] {
      case .list(let pair) where pair.count == 2, .tuple(let pair) where pair.count == 2:
        result += pair
      default: throw .malformed("OrderedDict of what is no list of pairs")
      }
    }
    return result
  }

  private func tensor(_ arguments: [Int]) throws(PickleError) -> PickleValue {
    guard arguments.count >= 4 else { throw .malformed("a tensor with too few arguments") }
    let storage: PickleValue.Storage
    switch values[arguments[0]] {
    case .storage(let known): storage = known
    case .opaque: return .opaque
    default: throw .malformed("a tensor without a storage")
    }
    guard case .int(let offset) = values[arguments[1]], offset >= 0 else {
      throw .malformed("a storage offset expected")
    }
    return .tensor(
      PickleValue.Tensor(
        storage: storage, offset: offset, shape: try sizes(arguments[2]),
        strides: try sizes(arguments[3])))
  }

  private func sizes(_ place: Int) throws(PickleError) -> [Int] {
    let items = try tuple(place)
    guard items.count <= TensorInfo.maximumRank else {
      throw PickleError(
        problem: .limit(what: "dimensions", atMost: TensorInfo.maximumRank, found: items.count))
    }
    var sizes: [Int] = []
    sizes.reserveCapacity(items.count)
    for item in items {
      guard case .int(let size) = values[item], size >= 0 else {
        throw .malformed("a non-negative size expected")
      }
      sizes.append(size)
    }
    return sizes
  }
}
