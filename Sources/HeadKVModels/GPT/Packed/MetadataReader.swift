import HeadKVWeights

/// Reads values out of a file's metadata, and says which one is wrong.
struct MetadataReader {
  let file: String
  private let metadata: [String: String]

  init(_ catalog: TensorCatalog) {
    file = catalog.path
    metadata = catalog.metadata
  }

  func has(_ key: String) -> Bool { metadata[key] != nil }

  func error(_ key: String, _ found: String, _ expected: String) -> ModelError {
    .configuration(file: file, reason: "'\(key)' is \(found), expected \(expected)")
  }

  func text(_ key: String) throws(ModelError) -> String {
    guard let text = metadata[key] else {
      throw .configuration(file: file, reason: "'\(key)' is missing from the header")
    }
    return text
  }

  func lines(_ key: String) throws(ModelError) -> [String] {
    try text(key).split(separator: "\n").map(String.init)
  }

  func number(_ key: String, _ range: ClosedRange<Int>) throws(ModelError) -> Int {
    let text = try text(key)
    guard let value = Int(text), range.contains(value) else {
      throw error(key, "'\(text)'", "a number of \(range.lowerBound) to \(range.upperBound)")
    }
    return value
  }

  func float(_ key: String) throws(ModelError) -> Float {
    let text = try text(key)
    guard let value = Float(text), value.isFinite, value > 0 else {
      throw error(key, "'\(text)'", "a number above 0")
    }
    return value
  }
}
