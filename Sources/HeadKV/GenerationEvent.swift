import HeadKVCache
import HeadKVModels

/// What happens while pictures are drawn, in the order in which it happens.
///
/// Pictures are numbered from 0 in the order of the request.
public enum GenerationEvent: Sendable {
  /// Before the first token.
  case started(GenerationPlan)
  /// The heads of a branch have been profiled, and its budgets are final. Does not come under a
  /// policy whose budgets are never revised; under shared branches it comes for the conditional
  /// one.
  case profiled(picture: Int, branch: GuidanceBranch, heads: ProfiledHeads)
  /// One more token of each picture of the batch has been drawn.
  case token(GenerationProgress)
  /// Rows have left the cache of a branch in a step, dropped or merged, over all heads.
  case evicted(picture: Int, branch: GuidanceBranch, rows: Int)
  /// A line of the grid is finished; `tokens` are those of the picture so far, `lines` lines of them.
  case rows(picture: Int, lines: Int, tokens: [Int32])
  /// A picture is finished.
  case image(picture: Int, image: GeneratedImage)
  /// All are; the last event.
  case finished(GenerationReport)
}

/// The kinds of events that somebody wants; the others are not made and cost nothing.
///
/// ``GenerationEvent/started(_:)``, ``GenerationEvent/image(picture:image:)`` and
/// ``GenerationEvent/finished(_:)`` always come.
public struct GenerationEventKinds: OptionSet, Sendable, Hashable {
  public let rawValue: UInt8
  public init(rawValue: UInt8) { self.rawValue = rawValue }

  public static let profiled = GenerationEventKinds(rawValue: 1)
  public static let token = GenerationEventKinds(rawValue: 2)
  public static let evicted = GenerationEventKinds(rawValue: 4)
  public static let rows = GenerationEventKinds(rawValue: 8)
  public static let all: GenerationEventKinds = [.profiled, .token, .evicted, .rows]
}

/// What is known before the first token.
public struct GenerationPlan: Sendable, Hashable {
  public let pictures: Int
  /// Pictures drawn at the same time.
  public let batch: Int
  public let grid: TokenGrid
  /// Name of the policy, and what it lets the cache of one sequence take.
  public let policy: String
  public let memory: MemoryPlan
  /// Sequences of a batch; under guidance a picture has two.
  public let sequences: Int

  /// The most bytes that the caches of a batch take.
  public var cacheBytes: Int { sequences * memory.capBytes }
}

/// What the heads of a sequence were found to look at, and what each may keep from then on.
public struct ProfiledHeads: Sendable, Hashable {
  /// Absent under policies that set budgets without a profile, such as `auto`, which measures what
  /// fewer rows would lose.
  public let profile: HeadProfile?
  public let budgets: HeadMap<HeadBudget>
}

/// Where a run stands, told after each step of a batch.
public struct GenerationProgress: Sendable, Hashable {
  /// Tokens of all pictures drawn so far, and to be drawn.
  public let tokens: Int
  public let totalTokens: Int
  public let images: Int
  public let totalImages: Int
}
