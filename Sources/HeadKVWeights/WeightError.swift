/// What is wrong with a weight file, and where.
public struct WeightError: Error, Sendable, Equatable, CustomStringConvertible {
  public enum Problem: Sendable, Equatable {
    case unreadable(String)
    case unwritable(String)
    /// The bytes break the format.
    case malformed(String)
    case outOfRange(what: String, found: Int, limit: Int)
    case overlap(with: String)
    case missing
    case shape(expected: [Int], found: [Int])
    case type(expected: String, found: DType)
    case unsupported(String)
  }

  public let file: String
  public let tensor: String?
  /// Byte in the file.
  public let offset: Int?
  public let problem: Problem

  public init(_ file: String, _ problem: Problem, tensor: String? = nil, offset: Int? = nil) {
    self.file = file
    self.tensor = tensor
    self.offset = offset
    self.problem = problem
  }

  public var description: String {
    var text = file
    if let tensor { text += ": tensor \(tensor)" }
    if let offset { text += " at byte \(offset)" }
    return text + ": \(problem)"
  }
}

extension WeightError.Problem: CustomStringConvertible {
  public var description: String {
    switch self {
    case .unreadable(let why): "cannot be read: \(why)"
    case .unwritable(let why): "cannot be written: \(why)"
    case .malformed(let why): why
    case .outOfRange(let what, let found, let limit): "\(what) is \(found), at most \(limit) fits"
    case .overlap(let other): "its bytes overlap those of \(other)"
    case .missing: "missing"
    case .shape(let expected, let found): "has shape \(found), expected \(expected)"
    case .type(let expected, let found): "has type \(found.rawValue), expected \(expected)"
    case .unsupported(let what): "\(what) is not supported"
    }
  }
}
