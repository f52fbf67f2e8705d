/// What a pickle holds, as far as a weight file needs it: nodes that refer to each other by index,
/// so that nothing recurses however the file is nested or knotted.
enum PickleNode {
  case none
  case bool(Bool)
  case integer(Int)
  case string(String)
  case tuple([Int])
  case list([Int])
  /// Keys and values in turn.
  case dictionary([Int])
  /// A name that the pickle would import; never looked up.
  case global(String)
  case storage(StorageReference)
  case tensor(PickledTensor)
  /// Anything else, of no use to us.
  case opaque
}

struct StorageReference {
  let dtype: DType
  let key: String
}

struct PickledTensor {
  let storage: StorageReference
  /// Elements from the start of the storage.
  let offset: Int
  let shape: [Int]
  let strides: [Int]
}

/// A reader of the pickles that `torch.save` writes. It builds data and runs nothing: names are
/// compared with a list, and a call of any other name yields an opaque value.
struct TorchPickle {
  private(set) var nodes: [PickleNode] = []
  private var stack: [Int] = []
  private var marks: [Int] = []
  private var memo: [Int: Int] = [:]
  private var reader: PickleBytes
  private let file: String

  private static let mostNodes = 20_000_000

  /// Reads the pickle.
  ///
  /// - Throws: ``WeightError`` with the byte of the pickle at which it breaks.
  static func read(
    _ bytes: [UInt8], file: String
  ) throws(WeightError) -> (nodes: [PickleNode], root: Int) {
    var pickle = TorchPickle(bytes, file)
    let root = try pickle.run()
    return (pickle.nodes, root)
  }

  private init(_ bytes: [UInt8], _ file: String) {
    reader = PickleBytes(bytes: bytes)
    self.file = file
  }

  private func broken(_ why: String) -> WeightError {
    WeightError(file, .malformed("pickle: \(why)"), offset: reader.at)
  }

  private mutating func run() throws(WeightError) -> Int {
    while true {
      guard let code = reader.byte() else { throw broken("it ends too soon") }
      if code == UInt8(ascii: ".") { return try pop() }
      try step(code)
      guard nodes.count <= Self.mostNodes else { throw broken("it holds too much") }
    }
  }

  private mutating func push(_ node: PickleNode) {
    stack.append(nodes.count)
    nodes.append(node)
  }

  private mutating func pop() throws(WeightError) -> Int {
    guard stack.count > (marks.last ?? 0), let top = stack.popLast() else {
      throw broken("its stack is empty")
    }
    return top
  }

  private mutating func popMark() throws(WeightError) -> [Int] {
    guard let mark = marks.popLast() else { throw broken("a mark is missing") }
    let items = Array(stack[mark...])
    stack.removeSubrange(mark...)
    return items
  }

  private func top() throws(WeightError) -> Int {
    guard stack.count > (marks.last ?? 0), let top = stack.last else {
      throw broken("its stack is empty")
    }
    return top
  }

  private mutating func need<T>(_ value: T?) throws(WeightError) -> T {
    guard let value else { throw broken("an argument is cut off or too long") }
    return value
  }

  private mutating func step(_ code: UInt8) throws(WeightError) {
    switch code {
    case 0x80: _ = try need(reader.byte())  // PROTO
    case 0x95: _ = try need(reader.unsigned(8))  // FRAME
    case UInt8(ascii: "("): marks.append(stack.count)
    case UInt8(ascii: "}"): push(.dictionary([]))
    case UInt8(ascii: "]"), 0x8F: push(.list([]))
    case UInt8(ascii: ")"): push(.tuple([]))
    case UInt8(ascii: "N"): push(.none)
    case 0x88: push(.bool(true))
    case 0x89: push(.bool(false))
    case UInt8(ascii: "K"): push(.integer(try need(reader.unsigned(1))))
    case UInt8(ascii: "M"): push(.integer(try need(reader.unsigned(2))))
    case UInt8(ascii: "J"):
      push(.integer(Int(Int32(truncatingIfNeeded: try need(reader.unsigned(4))))))
    case 0x8A: push(try long(try need(reader.unsigned(1))))
    case 0x8B: push(try long(try need(reader.unsigned(4))))
    case UInt8(ascii: "G"):
      _ = try need(reader.take(8))
      push(.opaque)
    case UInt8(ascii: "X"): push(try text(4))
    case 0x8C: push(try text(1))
    case 0x8D: push(try text(8))
    case UInt8(ascii: "U"): push(try text(1))
    case UInt8(ascii: "T"): push(try text(4))
    case UInt8(ascii: "C"): try skip(1)
    case UInt8(ascii: "B"): try skip(4)
    case 0x8E, 0x96: try skip(8)
    case UInt8(ascii: "q"): memo[try need(reader.unsigned(1))] = try top()
    case UInt8(ascii: "r"): memo[try need(reader.unsigned(4))] = try top()
    case 0x94: memo[memo.count] = try top()
    case UInt8(ascii: "h"): try recall(try need(reader.unsigned(1)))
    case UInt8(ascii: "j"): try recall(try need(reader.unsigned(4)))
    case UInt8(ascii: "t"): push(.tuple(try popMark()))
    case UInt8(ascii: "l"): push(.list(try popMark()))
    case UInt8(ascii: "d"): push(.dictionary(try popMark()))
    case 0x91:
      _ = try popMark()
      push(.opaque)
    case 0x85, 0x86, 0x87:
      var items: [Int] = []
      for _ in 0..<Int(code - 0x84) { items.append(try pop()) }
      push(.tuple(items.reversed()))
    case UInt8(ascii: "a"): try extend([try pop()])
    case UInt8(ascii: "e"), 0x90: try extend(try popMark())
    case UInt8(ascii: "s"):
      let value = try pop()
      try extend([try pop(), value])
    case UInt8(ascii: "u"): try extend(try popMark())
    case UInt8(ascii: "0"): _ = try pop()
    case UInt8(ascii: "1"): _ = try popMark()
    case UInt8(ascii: "2"): stack.append(try top())
    case UInt8(ascii: "c"):
      let module = try need(reader.line())
      push(.global(module + "." + (try need(reader.line()))))
    case 0x93:
      let name = try pop()
      let module = try pop()
      guard case .string(let a) = nodes[module], case .string(let b) = nodes[name] else {
        throw broken("a name is not a string")
      }
      push(.global(a + "." + b))
    case UInt8(ascii: "R"), 0x81:
      let arguments = try pop()
      push(try call(try pop(), arguments))
    case 0x92:
      _ = try pop()
      let arguments = try pop()
      push(try call(try pop(), arguments))
    case UInt8(ascii: "b"): _ = try pop()  // state of an object: of no use
    case UInt8(ascii: "Q"): push(try persistent(try pop()))
    default: throw broken("it has the unknown instruction \(code)")
    }
  }

  private mutating func long(_ size: Int) throws(WeightError) -> PickleNode {
    let bytes = try need(reader.take(size))
    guard size <= 8 else { return .opaque }
    var value: UInt64 = 0
    for (index, byte) in bytes.enumerated() { value |= UInt64(byte) << (8 * index) }
    let unused = 64 - 8 * size
    return .integer(size == 0 ? 0 : Int(Int64(bitPattern: value << unused) >> unused))
  }

  private mutating func text(_ width: Int) throws(WeightError) -> PickleNode {
    let bytes = try need(reader.take(try need(reader.unsigned(width))))
    return .string(String(decoding: bytes, as: UTF8.self))
  }

  private mutating func skip(_ width: Int) throws(WeightError) {
    _ = try need(reader.take(try need(reader.unsigned(width))))
    push(.opaque)
  }

  private mutating func recall(_ index: Int) throws(WeightError) {
    guard let node = memo[index] else { throw broken("memo \(index) is empty") }
    stack.append(node)
  }

  private mutating func extend(_ items: [Int]) throws(WeightError) {
    let target = try top()
    switch nodes[target] {
    case .list(var list):
      nodes[target] = .none
      list += items
      nodes[target] = .list(list)
    case .dictionary(var pairs):
      guard items.count % 2 == 0 else { throw broken("a key has no value") }
      nodes[target] = .none
      pairs += items
      nodes[target] = .dictionary(pairs)
    case .opaque: break
    default: throw broken("items are added to something that holds none")
    }
  }

  private func call(_ function: Int, _ arguments: Int) throws(WeightError) -> PickleNode {
    guard case .global(let name) = nodes[function], case .tuple(let items) = nodes[arguments] else {
      return .opaque
    }
    switch name {
    case "collections.OrderedDict": return .dictionary([])
    case "torch._utils._rebuild_tensor_v2", "torch._utils._rebuild_tensor":
      return try tensor(items)
    case "torch._utils._rebuild_parameter", "torch._utils._rebuild_parameter_with_state":
      guard let first = items.first, case .tensor = nodes[first] else { return .opaque }
      return nodes[first]
    case "torch._tensor._rebuild_from_type_v2":
      guard items.count >= 3, case .global(let inner) = nodes[items[0]],
        inner != name
      else { return .opaque }
      return try call(items[0], items[2])
    case "torch.Size": return items.first.map { nodes[$0] } ?? .opaque
    default: return .opaque
    }
  }

  private func tensor(_ items: [Int]) throws(WeightError) -> PickleNode {
    guard items.count >= 4, case .storage(let storage) = nodes[items[0]],
      case .integer(let offset) = nodes[items[1]], let shape = integers(items[2]),
      let strides = integers(items[3]), shape.count == strides.count, shape.count <= 64
    else { throw broken("a tensor is not described by storage, offset, size and stride") }
    return .tensor(
      PickledTensor(storage: storage, offset: offset, shape: shape, strides: strides))
  }

  private func integers(_ node: Int) -> [Int]? {
    guard case .tuple(let items) = nodes[node] else { return nil }
    var result: [Int] = []
    for item in items {
      guard case .integer(let value) = nodes[item] else { return nil }
      result.append(value)
    }
    return result
  }

  private static let storages: [String: DType] = [
    "torch.DoubleStorage": .f64, "torch.FloatStorage": .f32, "torch.HalfStorage": .f16,
    "torch.BFloat16Storage": .bf16, "torch.LongStorage": .i64, "torch.IntStorage": .i32,
    "torch.ShortStorage": .i16, "torch.CharStorage": .i8, "torch.ByteStorage": .u8,
    "torch.BoolStorage": .bool,
  ]

  private func persistent(_ node: Int) throws(WeightError) -> PickleNode {
    guard case .tuple(let items) = nodes[node], items.count >= 3,
      case .string("storage") = nodes[items[0]], case .global(let type) = nodes[items[1]],
      case .string(let key) = nodes[items[2]]
    else { throw broken("a persistent value is no storage") }
    guard let dtype = Self.storages[type] else { return .opaque }
    return .storage(StorageReference(dtype: dtype, key: key))
  }
}

/// The bytes of a pickle and how far they are read.
private struct PickleBytes {
  let bytes: [UInt8]
  private(set) var at = 0

  init(bytes: [UInt8]) { self.bytes = bytes }

  mutating func byte() -> UInt8? {
    guard at < bytes.count else { return nil }
    at += 1
    return bytes[at - 1]
  }

  mutating func take(_ count: Int) -> ArraySlice<UInt8>? {
    guard count >= 0, count <= bytes.count - at else { return nil }
    at += count
    return bytes[at - count..<at]
  }

  /// A little-endian number of `width` bytes that is not negative as an `Int`.
  mutating func unsigned(_ width: Int) -> Int? {
    guard let part = take(width) else { return nil }
    var value: UInt64 = 0
    for (index, byte) in part.enumerated() { value |= UInt64(byte) << (8 * index) }
    return Int(exactly: value)
  }

  mutating func line() -> String? {
    guard let end = bytes[at...].firstIndex(of: UInt8(ascii: "\n")) else { return nil }
    defer { at = end + 1 }
    return String(decoding: bytes[at..<end], as: UTF8.self)
  }
}
