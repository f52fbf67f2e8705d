import HeadKVCache
import HeadKVMath
import HeadKVModels

/// Profiles of the same heads on early and on late tokens, under the full cache.
public struct HeadSurvey: Sendable {
  /// From the second and third row of the grid.
  public let early: HeadProfile
  /// From the second half of the picture.
  public let late: HeadProfile
}

/// Profiles a model's heads on known pictures, teacher-forced with the full cache.
public struct HeadSurveyor: Sendable {
  public let gpt: GPT
  public let threads: Int
  public let tau: Double
  /// The type that keys and values are held in.
  public let element: CacheElement

  /// - Precondition: `threads` is between 1 and 1024; `tau` is above 0 and at most 1.
  public init(
    gpt: GPT, threads: Int? = nil, tau: Double = 0.9, element: CacheElement = .f32
  ) {
    self.gpt = gpt
    self.threads = threads ?? WorkerPool.availableProcessors
    self.tau = tau
    self.element = element
  }

  /// One survey for each picture.
  ///
  /// - Parameter progress: gets pictures done and in all; false ends the run.
  /// - Throws: ``ModelError``, ``OptionError``, ``GenerationCancelled``.
  public func surveys(
    _ set: TokenSet, limit: Int? = nil, progress: (Int, Int) -> Bool = { _, _ in true }
  ) throws -> [HeadSurvey] {
    let grid = gpt.configuration.grid
    guard grid.height >= 4 else {
      throw OptionError("grid", "\(grid.width)x\(grid.height)", "at least four rows high")
    }
    let count = min(limit ?? set.tokens.count, set.tokens.count)
    try Evaluator(gpt: gpt, threads: threads).check(set, count)
    let engine = DecodeEngine(
      model: gpt, policy: .full(gpt.configuration.sequenceShape.holding(element)), sequences: 1,
      threads: threads)
    var found: [HeadSurvey] = []
    for picture in 0..<count {
      guard progress(picture, count) else { throw GenerationCancelled() }
      let early = HeadProfiler(engine.shape, tokens: grid.width..<3 * grid.width, tau: tau)
      let late = HeadProfiler(engine.shape, tokens: grid.count / 2..<grid.count - 1, tau: tau)
      let ranks = RankMeter(after: 3 * grid.width, and: grid.count - 1)
      try engine.begin(
        0, condition: .category(set.classes[picture]), observers: [early, late, ranks])
      for token in 0..<grid.count - 1 {
        engine.step([
          StepRow(sequence: 0, token: set.tokens[picture][token], position: Int32(token))
        ])
      }
      found.append(
        HeadSurvey(early: ranks.adding(to: early.profile(), 0), late: ranks.adding(to: late.profile(), 1)))
    }
    _ = progress(count, count)
    return found
  }
}

/// Takes the effective ranks of keys and values at two moments.
private final class RankMeter: CacheObserver, @unchecked Sendable {
  private let moments: [Int]
  private var ranks: [[HeadMap<(key: Double?, value: Double?)>]] = [[], []]

  init(after early: Int, and late: Int) { moments = [early, late] }

  func stepped(_ session: CacheSession) {
    for (index, tokens) in moments.enumerated() where session.tokens == tokens {
      ranks[index] = [
        HeadMap(layers: session.shape.layers, heads: session.shape.heads) {
          session.effectiveRanks(layer: $0, head: $1)
        }
      ]
    }
  }

  func adding(to profile: HeadProfile, _ index: Int) -> HeadProfile {
    guard let ranks = ranks[index].first else { return profile }
    var profile = profile
    for layer in 0..<ranks.layers {
      for head in 0..<ranks.heads {
        profile.heads[layer, head].keyRank = ranks[layer, head].key
        profile.heads[layer, head].valueRank = ranks[layer, head].value
      }
    }
    return profile
  }
}
