/// The stack machine that a pickle's instructions drive. Nothing is executed: all that they do is to
/// put plain values into an arena.
struct PickleMachine {
  /// The most instructions, plus values moved by them, that are followed.
  static let maximumSteps = 1 << 25

  private(set) var values: [PickleValue] = []
  /// Places in `values`.
  private var stack: [Int] = []
  /// Heights of the stack.
  private var marks: [Int] = []
  private var memo: [Int: Int] = [:]
  private var steps = 0

  /// - Throws: ``PickleError`` if the stack does not hold what the instruction needs.
  mutating func follow(_ instruction: PickleInstruction) throws(PickleError) {
    try spend(1)
    switch instruction {
    case .skip, .stop: break
    case .mark: marks.append(stack.count)
    case .pop:  // which also takes a mark
      if let mark = marks.last, mark == stack.count { marks.removeLast() } else { _ = try pop() }
    case .popToMark: _ = try popToMark()
    case .duplicate: stack.append(try top())
    case .push(let value): push(value)

    case .tuple: push(.tuple(try popToMark()))
    case .list: push(.list(try popToMark()))
    case .dict:
      let items = try popToMark()
      guard items.count % 2 == 0 else { throw .malformed("a key without a value") }
      push(.dict(items))
    case .frozenSet:
      _ = try popToMark()
      push(.opaque)
    case .tupleOf(let count):
      guard stack.count - floor >= count else { throw .malformed("the stack is empty") }
      let items = Array(stack.suffix(count))
      stack.removeLast(count)
      push(.tuple(items))

    case .append: try append([try pop()])
    case .appendAll: try append(try popToMark())
    case .addAll: _ = try popToMark()
    case .set:
      let value = try pop()
      try set([try pop(), value])
    case .setAll: try set(try popToMark())

    case .memoize: memo[memo.count] = try top()
    case .put(let key): memo[key] = try top()
    case .get(let key):
      guard let place = memo[key] else { throw .malformed("memo \(key) is not set") }
      push(at: place)

    case .global:
      let name = try pop()
      let module = try pop()
      guard case .string(let name) = values[name], case .string(let module) = values[module] else {
        throw .malformed("a global without a name")
      }
      push(.global(module, name))
    case .call:
      let arguments = try pop()
      try call(try pop(), arguments)
    case .callWithKeywords:
      _ = try pop()
      let arguments = try pop()
      try call(try pop(), arguments)
    case .build:  // attributes only, which no tensor needs
      _ = try pop()
      _ = try top()
    case .persistent: try makeStorage(try pop())
    }
  }

  /// Counts work, of which there is a bound.
  mutating func spend(_ count: Int) throws(PickleError) {
    steps += count
    if steps > Self.maximumSteps {
      throw PickleError(
        problem: .limit(what: "pickle steps", atMost: Self.maximumSteps, found: steps))
    }
  }

  // MARK: - Stack

  mutating func push(_ value: PickleValue) {
    values.append(value)
    stack.append(values.count - 1)
  }

  /// Pushes a value that is there already.
  mutating func push(at place: Int) { stack.append(place) }

  /// The lowest stack position that may be popped: what lies below a mark is out of reach.
  private var floor: Int { marks.last ?? 0 }

  mutating func pop() throws(PickleError) -> Int {
    guard stack.count > floor else { throw .malformed("the stack is empty") }
    return stack.removeLast()
  }

  private func top() throws(PickleError) -> Int {
    guard stack.count > floor, let top = stack.last else {
      throw .malformed("the stack is empty")
    }
    return top
  }

  private mutating func popToMark() throws(PickleError) -> [Int] {
    guard let mark = marks.popLast(), mark <= stack.count else {
      throw .malformed("no mark is set")
    }
    let items = Array(stack[mark...])
    stack.removeSubrange(mark...)
    return items
  }

  // MARK: - Collections

  private mutating func append(_ items: [Int]) throws(PickleError) {
    let place = try top()
    switch values[place] {
    case .list(var list):
      values[place] = .none  // so that the array is uniquely held and grows in place
      list.append(contentsOf: items)
      values[place] = .list(list)
    case .opaque: break
    default: throw .malformed("a list expected")
    }
  }

  private mutating func set(_ items: [Int]) throws(PickleError) {
    guard items.count % 2 == 0 else { throw .malformed("a key without a value") }
    let place = try top()
    switch values[place] {
    case .dict(var dict):
      values[place] = .none
      dict.append(contentsOf: items)
      values[place] = .dict(dict)
    case .opaque: break
    default: throw .malformed("a dict expected")
    }
  }
}
