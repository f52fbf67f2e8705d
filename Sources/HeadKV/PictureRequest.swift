import HeadKVCache
import HeadKVModels

/// A picture that is to be drawn: from what, and with which seed.
public struct PictureRequest: Sendable, Hashable {
  public var condition: Condition
  public var seed: UInt64
  /// Seeds of the first tokens, if they are others: ascending in tokens.
  public var openings: [SeedOpening]
  /// What has been drawn already; nil to begin with the first token.
  public private(set) var state: PictureState?

  public init(_ condition: Condition, seed: UInt64, openings: [SeedOpening] = []) {
    self.condition = condition
    self.seed = seed
    self.openings = openings
  }

  /// Goes on with a picture that is partly drawn.
  ///
  /// - Parameter seed: of the tokens to come; the state's own gives the picture that it would have
  ///   become without a pause, bit for bit.
  public init(continuing state: PictureState, seed: UInt64? = nil) {
    self = state.request
    self.state = state
    if let seed, seed != self.seed {
      openings.append(SeedOpening(tokens: state.tokens.count, seed: self.seed))
      self.seed = seed
    }
  }

  /// The same without what has been drawn: openings stay, so that it becomes the same picture.
  var fromStart: PictureRequest { PictureRequest(condition, seed: seed, openings: openings) }

  /// The seed that token `index` is drawn with.
  func seed(ofToken index: Int) -> UInt64 {
    for opening in openings where index < opening.tokens { return opening.seed }
    return seed
  }

  /// One picture for each condition; picture i has seed + i.
  public static func pictures(_ conditions: [Condition], seed: UInt64) -> [PictureRequest] {
    conditions.enumerated().map { PictureRequest($1, seed: seed &+ UInt64($0)) }
  }
}

/// The seed of a picture's first tokens, where its later ones have another: pictures with the same
/// opening are the same up to there.
public struct SeedOpening: Sendable, Hashable, Codable {
  /// Tokens of the picture before which this seed holds.
  public var tokens: Int
  public var seed: UInt64

  public init(tokens: Int, seed: UInt64) {
    self.tokens = tokens
    self.seed = seed
  }
}

/// The branches of a picture under guidance.
public enum GuidanceBranch: String, Sendable, Hashable, CaseIterable {
  case conditional, unconditional
}

/// Names those that watch the cache of a branch of picture i.
public typealias CacheObservers = (_ picture: Int, _ branch: GuidanceBranch) -> [any CacheObserver]
