/// One value for each head of each layer.
public struct HeadMap<Value> {
  public let layers: Int
  public let heads: Int
  /// Layer by layer, head by head.
  public private(set) var values: [Value]

  /// - Precondition: at least one layer and one head.
  public init(repeating value: Value, layers: Int, heads: Int) {
    precondition(layers > 0 && heads > 0, "a map has layers and heads")
    self.layers = layers
    self.heads = heads
    values = Array(repeating: value, count: layers * heads)
  }

  /// Asks `make` for the value of each layer and head.
  ///
  /// - Precondition: at least one layer and one head.
  public init<E: Error>(
    layers: Int, heads: Int, _ make: (_ layer: Int, _ head: Int) throws(E) -> Value
  ) throws(E) {
    precondition(layers > 0 && heads > 0, "a map has layers and heads")
    self.layers = layers
    self.heads = heads
    values = []
    values.reserveCapacity(layers * heads)
    for layer in 0..<layers {
      for head in 0..<heads { values.append(try make(layer, head)) }
    }
  }

  private init(layers: Int, heads: Int, values: [Value]) {
    self.layers = layers
    self.heads = heads
    self.values = values
  }

  /// - Precondition: both are in range.
  public subscript(layer: Int, head: Int) -> Value {
    get { values[index(layer, head)] }
    set { values[index(layer, head)] = newValue }
  }

  private func index(_ layer: Int, _ head: Int) -> Int {
    precondition(
      layer >= 0 && layer < layers && head >= 0 && head < heads, "no such layer or head")
    return layer * heads + head
  }

  /// The values of one layer, head by head.
  public subscript(layer layer: Int) -> ArraySlice<Value> {
    precondition(layer >= 0 && layer < layers, "no such layer")
    return values[layer * heads..<(layer + 1) * heads]
  }

  public func map<T, E: Error>(_ transform: (Value) throws(E) -> T) throws(E) -> HeadMap<T> {
    var mapped: [T] = []
    mapped.reserveCapacity(values.count)
    for value in values { mapped.append(try transform(value)) }
    return HeadMap<T>(layers: layers, heads: heads, values: mapped)
  }
}

extension HeadMap: Sendable where Value: Sendable {}
extension HeadMap: Equatable where Value: Equatable {}
extension HeadMap: Hashable where Value: Hashable {}

/// A list of layers, each a list of heads.
extension HeadMap: Encodable where Value: Encodable {
  public func encode(to encoder: any Encoder) throws {
    try (0..<layers).map { Array(self[layer: $0]) }.encode(to: encoder)
  }
}

extension HeadMap: Decodable where Value: Decodable {
  public init(from decoder: any Decoder) throws {
    let rows = try [[Value]](from: decoder)
    guard let heads = rows.first?.count, heads > 0, rows.allSatisfy({ $0.count == heads }) else {
      throw DecodingError.dataCorrupted(
        .init(
          codingPath: decoder.codingPath,
          debugDescription:
            "layers of \(rows.map(\.count)) heads; each must have the same number, at least one"))
    }
    self.init(layers: rows.count, heads: heads, values: rows.flatMap { $0 })
  }
}
