/// Token sequences of pictures with their classes: `tokens` [N, T], `classes` [N] in a file.
public struct TokenSet: Sendable, Hashable {
  public let tokens: [[Int32]]
  /// Empty if the file has none.
  public let classes: [Int]
  /// The file, for messages.
  public let path: String

  /// Pictures that come from no file.
  public init(tokens: [[Int32]], classes: [Int]) {
    self.tokens = tokens
    self.classes = classes
    path = "pictures"
  }

  /// - Throws: ``WeightError`` or ``OptionError``, naming file and tensor.
  public init(reading path: String) throws {
    try self.init(TensorCatalog.open(path))
  }

  package init(_ catalog: TensorCatalog) throws {
    let path = catalog.path
    self.path = path
    let stored = try catalog.tensor("tokens")
    guard stored.info.shape.count == 2, stored.info.shape[1] > 0 else {
      throw OptionError("\(path): tokens", "of shape \(stored.info.shape)", "[pictures, tokens]")
    }
    let values = try stored.integers()
    let length = stored.info.shape[1]
    var rows: [[Int32]] = []
    for row in 0..<stored.info.shape[0] {
      rows.append(
        try values[row * length..<(row + 1) * length].map { value in
          guard let token = Int32(exactly: value), token >= 0 else {
            throw OptionError("\(path): a token", "\(value)", "a code, 0 or more")
          }
          return token
        })
    }
    tokens = rows
    guard catalog["classes"] != nil else {
      classes = []
      return
    }
    let labels = try catalog.tensor("classes", shape: [rows.count]).integers()
    classes = try labels.map { value in
      guard let label = Int(exactly: value) else {
        throw OptionError("\(path): a class", "\(value)", "an index")
      }
      return label
    }
  }

  /// Writes tokens and classes; the file is whole or absent.
  public static func write(tokens: [[Int32]], classes: [Int], to path: String) throws {
    let length = tokens.first?.count ?? 0
    var tensors = [
      TensorToWrite.i64(
        "tokens", [tokens.count, length], tokens.flatMap { $0.map(Int64.init) })
    ]
    if !classes.isEmpty {
      tensors.append(.i64("classes", [classes.count], classes.map(Int64.init)))
    }
    try SafetensorsWriter.write(tensors, to: path)
  }
}
