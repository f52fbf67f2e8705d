internal import HeadKVFiles

/// What went wrong with an image or its file, in one line.
public struct ImageError: Error, Sendable, Equatable, CustomStringConvertible {
  public let description: String

  public init(_ description: String) { self.description = description.onOneLine }
}
