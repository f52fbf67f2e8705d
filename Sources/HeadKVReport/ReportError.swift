/// A value that cannot be drawn, and why, in one line.
public struct ReportError: Error, Sendable, Equatable, CustomStringConvertible {
  public let description: String

  public init(_ description: String) { self.description = description }
}
