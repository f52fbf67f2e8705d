package import HeadKVFiles

/// What was wrong with a weight file, and where.
public struct WeightError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The kinds of trouble, with what was expected and what was found.
  public enum Problem: Sendable, Equatable {
    /// A system call failed; `reason` is the system's own message.
    case system(call: String, reason: String)
    /// Fewer bytes are there than the format says.
    case truncated(neededBytes: Int, availableBytes: Int)
    /// The bytes do not follow the format.
    case malformed(String)
    /// The bytes follow the format but use a part of it that is not read here.
    case unsupported(String)
    /// A quantity exceeds a bound set by this reader.
    case limit(what: String, atMost: Int, found: Int)
    /// A range reaches beyond what holds it.
    case outOfRange(what: String, atMost: Int, found: Int)
    /// Two byte ranges of the file overlap.
    case overlap(with: String)
    /// A name occurs twice.
    case duplicate(String)
    /// A size, in bytes or elements, is not the one the rest of the file implies.
    case sizeMismatch(what: String, expected: Int, found: Int)
    /// The tensor has another shape than the one asked for.
    case shapeMismatch(expected: [Int], found: [Int])
    /// The tensor has another element type than the one asked for.
    case typeMismatch(expected: String, found: String)
    /// Bytes are not those that were written: their SHA-256 is another.
    case digestMismatch(of: String, expected: String, found: String)
    /// No tensor has the name asked for.
    case missingTensor
    /// A file or archive member that is referred to is not there.
    case missingMember(String)
    /// The archive holds no dictionary of tensors.
    case noStateDict
  }

  /// The path of the file, as it was opened.
  public let file: String
  /// The tensor concerned, if there is one.
  public let tensor: String?
  /// Where in the file, in bytes from its start, if known.
  public let offset: Int?
  /// What is wrong.
  public let problem: Problem

  public init(file: String, tensor: String? = nil, offset: Int? = nil, problem: Problem) {
    self.file = file
    self.tensor = tensor
    self.offset = offset
    self.problem = problem
  }

  package init(_ error: FileError) {
    self.init(file: error.path, problem: .system(call: error.call, reason: error.reason))
  }

  /// One line that begins with the path of the file.
  public var description: String {
    var line = file.onOneLine
    if let tensor { line += ": tensor '\(tensor.onOneLine)'" }
    if let offset { line += ": at byte \(offset)" }
    return line + ": " + problem.text.onOneLine
  }
}

extension WeightError.Problem {
  var text: String {
    switch self {
    case .system(let call, let reason): "\(call) failed: \(reason)"
    case .truncated(let needed, let available):
      "truncated: \(needed) bytes expected, \(available) found"
    case .malformed(let what): what
    case .unsupported(let what): "not supported: \(what)"
    case .limit(let what, let atMost, let found): "\(what): at most \(atMost) allowed, \(found) found"
    case .outOfRange(let what, let atMost, let found):
      "\(what) out of range: at most \(atMost) expected, \(found) found"
    case .overlap(let other): "overlaps '\(other)'"
    case .duplicate(let name): "the name '\(name)' occurs twice"
    case .sizeMismatch(let what, let expected, let found):
      "\(what): \(expected) expected, \(found) found"
    case .shapeMismatch(let expected, let found): "shape: \(expected) expected, \(found) found"
    case .typeMismatch(let expected, let found): "element type: \(expected) expected, \(found) found"
    case .digestMismatch(let part, let expected, let found):
      "the \(part) changed since it was written: SHA-256 \(expected) expected, \(found) found"
    case .missingTensor: "no such tensor"
    case .missingMember(let name): "'\(name)' is missing"
    case .noStateDict: "no dictionary of tensors found"
    }
  }
}
