extension DecodingError {
  /// What is wrong and where, in a few words.
  package var reason: String {
    func place(_ context: Context) -> String {
      let path = context.codingPath.map { $0.intValue.map(String.init) ?? $0.stringValue }
      return path.isEmpty ? "the top level" : path.joined(separator: ".")
    }
    switch self {
    case .keyNotFound(let key, let context): return "no \(key.stringValue) in \(place(context))"
    case .typeMismatch(_, let context): return "wrong type of \(place(context))"
    case .valueNotFound(_, let context): return "no value of \(place(context))"
    case .dataCorrupted(let context):
      // Numbers that their type does not hold are reported without a place.
      return context.codingPath.isEmpty
        ? "not JSON, or a number out of range"
        : "wrong value of \(place(context)): \(context.debugDescription)"
    @unknown default: return "not JSON"
    }
  }
}
