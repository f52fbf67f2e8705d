import Foundation

/// Two strata by age lose the same number of rows each: those that recent queries like least.
///
/// Stratified Token Eviction (Liang et al., "Head-Aware Key-Value Compression for Efficient
/// Autoregressive Image Generation", arXiv 2605.20600, equations 5 and 6). The history, all rows
/// between prefix and window, is split by age rank; M/2 rows with the lowest mean query score leave
/// each part. Scores are those of the queries since the last update; an odd row more leaves the
/// younger part, and a part that would run empty leaves the rest to the other.
public struct StratifiedEviction: EvictionRule, Hashable {
  /// What a query's score of a row is.
  public enum Score: String, Sendable, Hashable, CaseIterable {
    /// The logit q.k / sqrt(d), as in equation 6. The log of the softmax weight differs from it by a
    /// constant for each query, so means of either rank rows alike.
    case logit
    /// The softmax weight.
    case weight
  }

  /// Share of the history that is its older part.
  public let ratio: Double
  public let score: Score

  /// - Precondition: `ratio` is between 0 and 1.
  public init(ratio: Double = 0.5, score: Score = .logit) {
    precondition((0...1).contains(ratio), "a part is a share of the whole")
    self.ratio = ratio
    self.score = score
  }

  public func observe(_ head: HeadView, _ step: HeadStep) {
    if step.startsPeriod { head.clearScores() }
    switch score {
    case .weight: head.addWeightsToScores()
    case .logit:
      for query in 0..<head.queries {
        for slot in step.prefixRows..<head.count {
          let weight = max(head.weight(query: query, slot: slot), .leastNormalMagnitude)
          // A merged row's bias is no part of its logit.
          head.setScore(slot, head.score(slot) + log(weight) - head.bias(slot))
        }
      }
    }
  }

  /// - Complexity: O(count * (surplus + log now)).
  public func plan(
    surplus: Int, _ budget: HeadBudget, _ head: HeadView, _ step: HeadStep,
    into plan: inout EvictionPlan
  ) {
    let kept = head.firstKeptBirth(window: budget.window, step)
    let history = Self.count(head, step, olderThan: kept)
    let split = Self.birth(
      withOlder: Int(Double(history) * ratio), in: head, step, below: kept)
    let far = Self.count(head, step, olderThan: split)
    let near = history - far
    let fromNear = min((surplus + 1) / 2, max(near - 1, 0))
    let fromFar = min(surplus - fromNear, max(far - 1, 0))
    // A row younger than the period has been seen by fewer queries.
    func mean(_ slot: Int) -> Float {
      head.score(slot) / Float(max(min(step.sinceUpdate, Int(step.now - head.birth(slot)) + 1), 1))
    }
    plan.rank(head, step, keeping: budget.window) {
      head.birth($0) < split ? mean($0) : .infinity
    }
    plan.evictLowest(fromFar)
    plan.rank(head, step, keeping: budget.window) {
      head.birth($0) < split ? .infinity : mean($0)
    }
    plan.evictLowest(surplus - fromFar)
  }

  private static func count(_ head: HeadView, _ step: HeadStep, olderThan birth: Int32) -> Int {
    var count = 0
    for slot in step.prefixRows..<head.count where head.birth(slot) < birth { count += 1 }
    return count
  }

  /// The least birth, at most `limit`, that `older` rows or more are older than.
  private static func birth(
    withOlder older: Int, in head: HeadView, _ step: HeadStep, below limit: Int32
  ) -> Int32 {
    var (low, high) = (Int32(0), max(limit, 0))
    while low < high {
      let middle = (low + high) / 2
      if count(head, step, olderThan: middle) >= older { high = middle } else { low = middle + 1 }
    }
    return low
  }
}
