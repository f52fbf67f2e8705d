/// What a sequence is drawn from.
public enum Condition: Sendable, Hashable {
  /// A class index; the count of classes stands for the null class.
  case category(Int)
  case caption(Caption)
  /// The unconditional branch of a captioned picture: the model's null caption, as many tokens.
  case nullCaption(tokens: Range<Int>)

  /// The condition of the unconditional branch that goes with this one.
  public func null(classes: Int) -> Condition {
    switch self {
    case .category: .category(classes)
    case .caption(let caption): .nullCaption(tokens: caption.valid)
    case .nullCaption: self
    }
  }
}

/// Precomputed text features of one caption, left-padded as LlamaGen pads them.
public struct Caption: Sendable, Hashable {
  /// Features `[tokens, dimension]`, padding rows included.
  public let features: [Float]
  public let dimension: Int
  /// The tokens that are not padding: the last ones.
  public let valid: Range<Int>

  public var tokens: Int { features.count / dimension }

  /// - Parameter mask: one value a token, 0 for padding. Valid tokens before padding ones (right
  ///   padding) are moved to the end, as LlamaGen does.
  /// - Throws: ``ModelError/caption(reason:)`` if shapes disagree, the valid tokens are not in one
  ///   run, or there is none.
  public init(features: [Float], dimension: Int, mask: [Float]) throws(ModelError) {
    guard dimension > 0, features.count == mask.count * dimension else {
      throw .caption(
        reason: "\(features.count) feature values do not make \(mask.count) tokens of \(dimension)")
    }
    guard features.allSatisfy(\.isFinite) else {
      throw .caption(reason: "features hold values that are not finite")
    }
    guard let first = mask.firstIndex(where: { $0 != 0 }),
      let last = mask.lastIndex(where: { $0 != 0 })
    else { throw .caption(reason: "the mask leaves no token") }
    guard mask[first...last].allSatisfy({ $0 != 0 }) else {
      throw .caption(reason: "the mask has a hole between tokens")
    }
    let count = last - first + 1
    let start = mask.count - count
    var rows = [Float](repeating: 0, count: features.count)
    rows.replaceSubrange(
      start * dimension..<mask.count * dimension,
      with: features[first * dimension..<(last + 1) * dimension])
    self.features = rows
    self.dimension = dimension
    valid = start..<mask.count
  }
}
