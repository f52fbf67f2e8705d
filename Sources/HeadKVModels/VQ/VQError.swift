internal import HeadKVFiles
import HeadKVWeights

/// Why a VQ tokenizer cannot be made or used, in one line.
public struct VQError: Error, Sendable, Equatable, CustomStringConvertible {
  public let description: String
  /// What the weights file had to say, if it was the cause.
  public let cause: WeightError?

  public init(_ description: String) {
    self.description = description.onOneLine
    cause = nil
  }

  init(_ cause: WeightError) {
    description = cause.description
    self.cause = cause
  }
}
