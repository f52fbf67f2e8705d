internal import HeadKVFiles
import HeadKVWeights

/// Why a model cannot be built from a weight file, or asked for what it is asked.
public enum ModelError: Error, Sendable, Equatable, CustomStringConvertible {
  case weights(WeightError)
  /// The file does not hold what it is taken for.
  case notAModel(file: String, reason: String)
  /// Tensors that the model needs are not there.
  case missing(file: String, tensors: [String])
  /// Something the shapes do not tell and nobody said.
  case unknown(file: String, what: String)
  /// A setting contradicts the weights.
  case contradiction(file: String, what: String, said: String, found: String)
  case configuration(file: String, reason: String)
  /// A packed file holds another precision than is asked for.
  case packedOtherwise(file: String, asked: WeightPrecision, found: WeightPrecision)
  case classOutOfRange(Int, classes: Int)
  case tokenOutOfRange(Int, codes: Int)
  case caption(reason: String)

  public var description: String { text.onOneLine }

  private var text: String {
    switch self {
    case .weights(let error): error.description
    case .notAModel(let file, let reason): "\(file): \(reason)"
    case .missing(let file, let tensors):
      "\(file): \(tensors.count) tensors are missing: \(Self.list(tensors))"
    case .unknown(let file, let what): "\(file): \(what)"
    case .contradiction(let file, let what, let said, let found):
      "\(file): \(what) is said to be \(said), the weights have \(found)"
    case .configuration(let file, let reason): "\(file): \(reason)"
    case .packedOtherwise(let file, let asked, let found):
      "\(file): packed in \(found.rawValue), \(asked.rawValue) asked for: leave the precision out, or pack the original in \(asked.rawValue)"
    case .classOutOfRange(let index, let classes):
      "class \(index) is not in 0...\(classes - 1)"
    case .tokenOutOfRange(let token, let codes): "token \(token) is not in 0...\(codes - 1)"
    case .caption(let reason): "caption: \(reason)"
    }
  }

  static func list(_ names: [String]) -> String {
    names.prefix(4).joined(separator: ", ") + (names.count > 4 ? ", ..." : "")
  }
}
