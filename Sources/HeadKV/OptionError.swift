internal import HeadKVFiles

/// A setting outside its range.
public struct OptionError: Error, Sendable, Equatable, CustomStringConvertible {
  public let name: String
  public let found: String
  public let expected: String

  public init(_ name: String, _ found: String, _ expected: String) {
    self.name = name
    self.found = found
    self.expected = expected
  }

  public var description: String { "\(name) is \(found); it must be \(expected)".onOneLine }
}
