import HeadKVCache
import HeadKVModels

/// Notices between steps what left the caches of a batch, and when their budgets became final.
struct CacheWatch {
  private let firstPicture: Int
  private let pictures: Int
  private let newRows: Int
  /// Live rows of each sequence after the step before.
  private var live: [Int]
  private var wasProfiling: [Bool]

  /// - Parameters:
  ///   - first: the number of the batch's first picture.
  ///   - pictures: how many it has; their unconditional branches follow the conditional ones.
  init(_ engine: DecodeEngine, sequences: Int, first: Int, pictures: Int) {
    firstPicture = first
    self.pictures = pictures
    newRows = engine.shape.allHeads
    live = (0..<sequences).map { engine.liveRows($0) }
    wasProfiling = (0..<sequences).map { engine.session($0)?.isProfiling ?? false }
  }

  /// Looks at the caches after a step that appended a row to each head.
  ///
  /// - Complexity: O(sequences * heads). Allocates nothing itself.
  mutating func look(
    _ engine: DecodeEngine, _ kinds: GenerationEventKinds, _ emit: (GenerationEvent) -> Void
  ) {
    for sequence in live.indices {
      guard let session = engine.session(sequence) else { continue }
      let picture = firstPicture + sequence % pictures
      let branch: GuidanceBranch = sequence < pictures ? .conditional : .unconditional
      let rows = session.liveRows
      let left = live[sequence] + newRows - rows
      live[sequence] = rows
      if kinds.contains(.evicted) && left > 0 {
        emit(.evicted(picture: picture, branch: branch, rows: left))
      }
      // The follower of a shared pair is never revised itself: it would look as if it still were.
      if wasProfiling[sequence] && !session.isProfiling {
        wasProfiling[sequence] = false
        if kinds.contains(.profiled) {
          let heads = ProfiledHeads(profile: session.profile, budgets: session.budgets)
          emit(.profiled(picture: picture, branch: branch, heads: heads))
        }
      }
    }
  }
}
