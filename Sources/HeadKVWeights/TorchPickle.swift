/// A pickle as `torch.save` writes it, turned into an arena of plain values. Nothing is executed:
/// the few callables that rebuild tensors are known by name, and everything else is opaque.
///
/// Values refer to each other by their index in `nodes`, so neither a cycle nor deep nesting
/// makes any step recurse, destruction included.
struct TorchPickle {
  /// A value of the pickle; references are indices into `nodes`.
  enum Node {
    case none
    case bool(Bool)
    case int(Int)
    case float(Double)
    case string(String)
    case tuple([Int])
    case list([Int])
    /// Keys and values in turn, as they were set; a later key replaces an earlier one.
    case dict([Int])
    case callable(Callable)
    case storageType(DType?)
    case storage(Storage)
    case tensor(Tensor)
    /// Anything that is not needed to find tensors.
    case opaque
  }

  /// The callables that are understood.
  enum Callable { case rebuildTensor, rebuildFromType, rebuildParameter, orderedDict, size }

  /// A flat run of elements, in the archive member `data/<key>`.
  struct Storage {
    var key: String
    var dtype: DType
    var count: Int
  }

  /// A view of a storage; offset and strides in elements.
  struct Tensor {
    var storage: Storage
    var offset: Int
    var shape: [Int]
    var strides: [Int]
  }

  /// The most opcodes, plus elements moved by them, that are processed.
  static let maximumSteps = 1 << 25

  private(set) var nodes: [Node] = []
  /// The index of the value the pickle stands for.
  private(set) var root = 0

  private var reader: ByteReader
  private var stack: [Int] = []
  private var marks: [Int] = []
  private var memo: [Int: Int] = [:]
  private var steps = 0

  /// Reads the pickle in `range` of `file`. O(bytes) time and memory. Throws when the bytes are
  /// not a pickle of protocol 2 to 5 or use an opcode that `torch.save` does not.
  init(_ file: MappedFile, _ range: Range<Int>) throws(WeightError) {
    reader = try ByteReader(file, range)
    try run()
  }

  private func fail(_ problem: WeightError.Problem) -> WeightError {
    WeightError(file: reader.file.path, offset: reader.position, problem: problem)
  }

  private func malformed(_ what: String) -> WeightError { fail(.malformed("pickle: " + what)) }

  private mutating func spend(_ count: Int) throws(WeightError) {
    steps += count
    if steps > Self.maximumSteps {
      throw fail(.limit(what: "pickle steps", atMost: Self.maximumSteps, found: steps))
    }
  }

  // MARK: - Stack

  private mutating func push(_ node: Node) {
    nodes.append(node)
    stack.append(nodes.count - 1)
  }

  /// The lowest stack position that may be popped: what lies below a mark is out of reach.
  private var floor: Int { marks.last ?? 0 }

  private mutating func pop() throws(WeightError) -> Int {
    guard stack.count > floor else { throw malformed("the stack is empty") }
    return stack.removeLast()
  }

  private func top() throws(WeightError) -> Int {
    guard stack.count > floor, let top = stack.last else {
      throw malformed("the stack is empty")
    }
    return top
  }

  private mutating func popToMark() throws(WeightError) -> [Int] {
    guard let mark = marks.popLast(), mark <= stack.count else {
      throw malformed("no mark is set")
    }
    let items = Array(stack[mark...])
    stack.removeSubrange(mark...)
    return items
  }

  private func tuple(_ index: Int) throws(WeightError) -> [Int] {
    guard case .tuple(let items) = nodes[index] else { throw malformed("a tuple expected") }
    return items
  }

  // MARK: - Opcodes

  private mutating func run() throws(WeightError) {
    guard try reader.u8() == 0x80 else { throw malformed("no protocol at the start") }
    let version = try reader.u8()
    guard (2...5).contains(version) else {
      throw fail(.unsupported("pickle protocol \(version)"))
    }
    while true {
      try spend(1)
      let opcode = try reader.u8()
      if opcode == UInt8(ascii: ".") {
        root = try pop()
        stack = []
        memo = [:]
        return
      }
      try step(opcode)
    }
  }

  private mutating func step(_ opcode: UInt8) throws(WeightError) {
    switch opcode {
    case 0x80: _ = try reader.u8()  // PROTO
    case 0x95: _ = try reader.advance(8)  // FRAME
    case UInt8(ascii: "("): marks.append(stack.count)
    case UInt8(ascii: "0"):  // POP, which also takes a mark
      if let mark = marks.last, mark == stack.count { marks.removeLast() } else { _ = try pop() }
    case UInt8(ascii: "1"): _ = try popToMark()
    case UInt8(ascii: "2"): stack.append(try top())

    case UInt8(ascii: "N"): push(.none)
    case 0x88: push(.bool(true))
    case 0x89: push(.bool(false))
    case UInt8(ascii: "J"): push(.int(Int(Int32(bitPattern: try reader.u32()))))
    case UInt8(ascii: "K"): push(.int(Int(try reader.u8())))
    case UInt8(ascii: "M"): push(.int(Int(try reader.u16())))
    case 0x8a: try pushLong(Int(try reader.u8()))
    case 0x8b: try pushLong(Int(Int32(bitPattern: try reader.u32())))
    case UInt8(ascii: "I"):
      let text = try reader.line(atMost: 32)
      if text == "00" || text == "01" {
        push(.bool(text == "01"))
      } else if let value = Int(text) {
        push(.int(value))
      } else {
        throw malformed("'\(text)' is not an integer")
      }
    case UInt8(ascii: "F"):
      guard let value = Double(try reader.line(atMost: 64)) else {
        throw malformed("a number expected")
      }
      push(.float(value))
    case UInt8(ascii: "G"): push(.float(Double(bitPattern: try reader.u64().byteSwapped)))  // big-endian

    case UInt8(ascii: "X"): push(.string(try reader.string(Int(try reader.u32()))))
    case 0x8c: push(.string(try reader.string(Int(try reader.u8()))))
    case 0x8d: push(.string(try reader.string(try reader.size64())))
    case UInt8(ascii: "U"), UInt8(ascii: "C"): try pushBytes(Int(try reader.u8()))
    case UInt8(ascii: "T"), UInt8(ascii: "B"): try pushBytes(Int(try reader.u32()))
    case 0x8e, 0x96: try pushBytes(try reader.size64())

    case UInt8(ascii: "}"): push(.dict([]))
    case UInt8(ascii: "]"): push(.list([]))
    case UInt8(ascii: ")"): push(.tuple([]))
    case 0x8f: push(.opaque)  // EMPTY_SET
    case UInt8(ascii: "t"): push(.tuple(try popToMark()))
    case UInt8(ascii: "l"): push(.list(try popToMark()))
    case UInt8(ascii: "d"):
      let items = try popToMark()
      guard items.count % 2 == 0 else { throw malformed("a key without a value") }
      push(.dict(items))
    case 0x91:  // FROZENSET
      _ = try popToMark()
      push(.opaque)
    case 0x85: try pushTuple(1)
    case 0x86: try pushTuple(2)
    case 0x87: try pushTuple(3)
    case UInt8(ascii: "a"): try append([try pop()])
    case UInt8(ascii: "e"): try append(try popToMark())
    case 0x90: _ = try popToMark()  // ADDITEMS
    case UInt8(ascii: "s"):
      let value = try pop()
      try set([try pop(), value])
    case UInt8(ascii: "u"): try set(try popToMark())

    case UInt8(ascii: "q"): memo[Int(try reader.u8())] = try top()
    case UInt8(ascii: "r"): memo[Int(try reader.u32())] = try top()
    case 0x94: memo[memo.count] = try top()
    case UInt8(ascii: "h"): try recall(Int(try reader.u8()))
    case UInt8(ascii: "j"): try recall(Int(try reader.u32()))

    case UInt8(ascii: "c"):
      let module = try reader.line(atMost: 1024)
      push(Self.global(module, try reader.line(atMost: 1024)))
    case 0x93:  // STACK_GLOBAL
      let name = try pop()
      let module = try pop()
      guard case .string(let name) = nodes[name], case .string(let module) = nodes[module] else {
        throw malformed("a global without a name")
      }
      push(Self.global(module, name))
    case UInt8(ascii: "R"), 0x81:  // REDUCE, NEWOBJ
      let arguments = try pop()
      let callable = try pop()
      try call(callable, arguments)
    case 0x92:  // NEWOBJ_EX
      _ = try pop()
      let arguments = try pop()
      try call(try pop(), arguments)
    case UInt8(ascii: "b"):  // BUILD: attributes only, which no tensor needs
      _ = try pop()
      _ = try top()
    case UInt8(ascii: "Q"): try persistent(try pop())
    default:
      throw malformed("opcode 0x" + String(opcode, radix: 16) + " is not one torch.save writes")
    }
  }

  private mutating func pushLong(_ count: Int) throws(WeightError) {
    let bytes = try reader.bytes(count)
    guard bytes.count <= 8 else { return push(.opaque) }
    var value: UInt64 = (bytes.last ?? 0) & 0x80 == 0 ? 0 : .max
    for byte in bytes.reversed() { value = value << 8 | UInt64(byte) }
    push(.int(Int(Int64(bitPattern: value))))
  }

  private mutating func pushBytes(_ count: Int) throws(WeightError) {
    _ = try reader.advance(count)
    push(.opaque)
  }

  private mutating func pushTuple(_ count: Int) throws(WeightError) {
    guard stack.count - floor >= count else { throw malformed("the stack is empty") }
    let items = Array(stack.suffix(count))
    stack.removeLast(count)
    push(.tuple(items))
  }

  private mutating func append(_ items: [Int]) throws(WeightError) {
    let index = try top()
    switch nodes[index] {
    case .list(var list):
      nodes[index] = .none  // so that the array is uniquely held and grows in place
      list.append(contentsOf: items)
      nodes[index] = .list(list)
    case .opaque: break
    default: throw malformed("a list expected")
    }
  }

  private mutating func set(_ items: [Int]) throws(WeightError) {
    guard items.count % 2 == 0 else { throw malformed("a key without a value") }
    let index = try top()
    switch nodes[index] {
    case .dict(var dict):
      nodes[index] = .none
      dict.append(contentsOf: items)
      nodes[index] = .dict(dict)
    case .opaque: break
    default: throw malformed("a dict expected")
    }
  }

  private mutating func recall(_ key: Int) throws(WeightError) {
    guard let index = memo[key] else { throw malformed("memo \(key) is not set") }
    stack.append(index)
  }

  // MARK: - Globals

  private static func global(_ module: String, _ name: String) -> Node {
    switch (module, name) {
    case ("torch._utils", "_rebuild_tensor_v2"), ("torch._utils", "_rebuild_tensor"):
      return .callable(.rebuildTensor)
    case ("torch._tensor", "_rebuild_from_type_v2"): return .callable(.rebuildFromType)
    case ("torch._utils", "_rebuild_parameter"),
      ("torch._utils", "_rebuild_parameter_with_state"):
      return .callable(.rebuildParameter)
    case ("collections", "OrderedDict"): return .callable(.orderedDict)
    case ("torch", "Size"): return .callable(.size)
    case ("torch", "DoubleStorage"): return .storageType(.f64)
    case ("torch", "FloatStorage"): return .storageType(.f32)
    case ("torch", "HalfStorage"): return .storageType(.f16)
    case ("torch", "BFloat16Storage"): return .storageType(.bf16)
    case ("torch", "LongStorage"): return .storageType(.i64)
    case ("torch", "IntStorage"): return .storageType(.i32)
    case ("torch", "ShortStorage"): return .storageType(.i16)
    case ("torch", "CharStorage"): return .storageType(.i8)
    case ("torch", "ByteStorage"): return .storageType(.u8)
    case ("torch", "BoolStorage"): return .storageType(.bool)
    case ("torch.storage", "UntypedStorage"), ("torch", "UntypedStorage"):
      return .storageType(.u8)
    case ("torch.storage", "TypedStorage"): return .storageType(nil)
    default: return .opaque
    }
  }

  /// Pushes what calling the global would give, or an opaque value.
  private mutating func call(_ callable: Int, _ arguments: Int) throws(WeightError) {
    var function: Callable
    switch nodes[callable] {
    case .callable(let known): function = known
    case .opaque, .storageType: return push(.opaque)
    default: throw malformed("a call of what is no callable")
    }
    var arguments = try tuple(arguments)
    // The wrapper of tensor subclasses names the function that is really meant.
    var unwrapped = 0
    while function == .rebuildFromType {
      unwrapped += 1
      guard arguments.count >= 3, unwrapped <= 4 else {
        throw malformed("_rebuild_from_type_v2 with unsuitable arguments")
      }
      guard case .callable(let inner) = nodes[arguments[0]] else { return push(.opaque) }
      function = inner
      arguments = try tuple(arguments[2])
    }
    switch function {
    case .rebuildTensor: push(try tensor(arguments))
    case .rebuildParameter:
      guard let data = arguments.first else { throw malformed("a parameter without data") }
      stack.append(data)
    case .orderedDict: push(.dict(try pairs(arguments)))
    case .size:
      guard let sizes = arguments.first else { return push(.tuple([])) }
      stack.append(sizes)
    case .rebuildFromType: push(.opaque)
    }
  }

  /// The contents of an ordered dictionary made from a list of pairs.
  private mutating func pairs(_ arguments: [Int]) throws(WeightError) -> [Int] {
    guard let first = arguments.first else { return [] }
    let items: [Int]
    switch nodes[first] {
    case .list(let list), .tuple(let list): items = list
    case .dict(let dict):
      try spend(dict.count)
      return dict
    default: throw malformed("OrderedDict of what is no list of pairs")
    }
    try spend(items.count)
    var result: [Int] = []
    for item in items {
      switch nodes[item] {
      case .list(let pair) where pair.count == 2, .tuple(let pair) where pair.count == 2:
        result += pair
      default: throw malformed("OrderedDict of what is no list of pairs")
      }
    }
    return result
  }

  private func tensor(_ arguments: [Int]) throws(WeightError) -> Node {
    guard arguments.count >= 4 else { throw malformed("a tensor with too few arguments") }
    let storage: Storage
    switch nodes[arguments[0]] {
    case .storage(let known): storage = known
    case .opaque: return .opaque
    default: throw malformed("a tensor without a storage")
    }
    guard case .int(let offset) = nodes[arguments[1]], offset >= 0 else {
      throw malformed("a storage offset expected")
    }
    return .tensor(
      Tensor(
        storage: storage, offset: offset, shape: try sizes(arguments[2]),
        strides: try sizes(arguments[3])))
  }

  private func sizes(_ index: Int) throws(WeightError) -> [Int] {
    let items = try tuple(index)
    guard items.count <= TensorInfo.maximumRank else {
      throw fail(
        .limit(what: "dimensions", atMost: TensorInfo.maximumRank, found: items.count))
    }
    var sizes: [Int] = []
    sizes.reserveCapacity(items.count)
    for item in items {
      guard case .int(let size) = nodes[item], size >= 0 else {
        throw malformed("a non-negative size expected")
      }
      sizes.append(size)
    }
    return sizes
  }

  /// Reads `('storage', type, key, location, element count)`.
  private mutating func persistent(_ index: Int) throws(WeightError) {
    let items = try tuple(index)
    guard items.count >= 5, case .string("storage") = nodes[items[0]],
      case .string(let key) = nodes[items[2]], case .int(let count) = nodes[items[4]], count >= 0
    else { throw malformed("a storage that is not described in the known way") }
    if case .storageType(let dtype?) = nodes[items[1]] {
      push(.storage(Storage(key: key, dtype: dtype, count: count)))
    } else {
      push(.opaque)
    }
  }

  // MARK: - State dict

  /// The text keys of a dictionary with their values, in order; empty for anything else.
  func entries(_ index: Int) -> [(key: String, value: Int)] {
    guard case .dict(let items) = nodes[index] else { return [] }
    var entries: [(key: String, value: Int)] = []
    var places: [String: Int] = [:]
    for at in stride(from: 0, to: items.count - 1, by: 2) {
      guard case .string(let key) = nodes[items[at]] else { continue }
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
  func stateDict() -> (tensors: [(name: String, tensor: Tensor)], skipped: [String])? {
    let wrappers = ["model", "module", "state_dict"]
    var level: [(node: Int, prefix: String, beside: [String])] = [(root, "", [])]
    var visited: Set<Int> = [root]
    for _ in 0..<4 {
      var next: [(node: Int, prefix: String, beside: [String])] = []
      for (node, prefix, beside) in level {
        let entries = entries(node)
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
        if let found = tensors(node, prefix) { return (found.tensors, beside + found.skipped) }
      }
      level = next
    }
    return nil
  }

  /// The tensors of a dictionary and the names of its other values; nil when it has no tensor.
  private func tensors(
    _ index: Int, _ prefix: String
  ) -> (tensors: [(name: String, tensor: Tensor)], skipped: [String])? {
    var tensors: [(name: String, tensor: Tensor)] = []
    var skipped: [String] = []
    for (key, value) in entries(index) {
      if case .tensor(let tensor) = nodes[value] {
        tensors.append((key, tensor))
      } else {
        skipped.append(prefix + key)
      }
    }
    return tensors.isEmpty ? nil : (tensors, skipped)
  }
}
