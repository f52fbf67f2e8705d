import Foundation

/// The rows go that the latest queries looked at little and whose keys resemble others.
///
/// R-KV (Cai et al., "R-KV: Redundancy-aware KV Cache Compression for Reasoning Models", arXiv
/// 2505.24133): rank = lambda * importance - (1 - lambda) * redundancy. Importance is the mean
/// weight over the observed queries, its maximum over a kernel of neighbouring tokens; redundancy
/// the softmax of the rows' mean cosine similarity, in which each row spares the youngest row that
/// resembles it, so that one of several alike survives.
public struct RedundancyEviction: EvictionRule, Hashable {
  public let lambda: Float
  /// Newest queries before an update that count, at most those since the last one.
  public let observation: Int
  public let kernel: Int
  /// Cosine above which two keys are alike.
  public let threshold: Float

  /// - Precondition: `lambda` is between 0 and 1; `observation` and `kernel` are positive, `kernel`
  ///   is odd.
  public init(lambda: Float = 0.1, observation: Int = 8, kernel: Int = 7, threshold: Float = 0.5) {
    precondition((0...1).contains(lambda), "a mixture")
    precondition(observation > 0 && kernel > 0 && kernel % 2 == 1, "an odd kernel")
    self.lambda = lambda
    self.observation = observation
    self.kernel = kernel
    self.threshold = threshold
  }

  public func observe(_ head: HeadView, _ step: HeadStep) {
    if step.startsPeriod { head.clearScores() }
    if step.untilUpdate < observation { head.addWeightsToScores() }
  }

  /// - Complexity: O(count^2 * headDimension).
  public func plan(
    surplus: Int, _ budget: HeadBudget, _ head: HeadView, _ step: HeadStep,
    into plan: inout EvictionPlan
  ) {
    let rows = step.prefixRows..<head.count
    plan.withScratch(columns: 3, of: head.count) { scratch in
      addSimilarities(rows, head, &scratch)
      var total: Float = 0
      for slot in rows {
        // Means of cosines are at most one, so that exp needs no shift.
        scratch[slot] = exp(scratch[slot] / Float(rows.count))
        total += scratch[slot]
      }
      let queries = Float(max(min(observation, step.sinceUpdate), 1))
      for slot in rows {
        let importance = largestScore(near: slot, rows, head) / queries
        scratch[slot] = lambda * importance - (1 - lambda) * scratch[slot] / total
      }
    }
    plan.rankByScratch(head, step, keeping: budget.window)
    plan.evictLowest(surplus)
  }

  /// Sums each row's cosines with the others into the scratch's first column; the second holds
  /// norms, the third the cosines of the row at hand.
  private func addSimilarities(
    _ rows: Range<Int>, _ head: HeadView, _ scratch: inout MutableSpan<Float>
  ) {
    let count = head.count
    for slot in rows { scratch[count + slot] = head.keyDot(slot, slot).squareRoot() + 1e-8 }
    for row in rows {
      var spared = -1
      for other in rows where other != row {
        let cosine = head.keyDot(row, other) / (scratch[count + row] * scratch[count + other])
        scratch[2 * count + other] = cosine
        if cosine > threshold && (spared < 0 || head.birth(other) > head.birth(spared)) {
          spared = other
        }
      }
      for other in rows where other != row && other != spared {
        scratch[other] += scratch[2 * count + other]
      }
    }
  }

  private func largestScore(near slot: Int, _ rows: Range<Int>, _ head: HeadView) -> Float {
    let (place, radius) = (head.position(slot), Int32(kernel / 2))
    var largest = head.score(slot)
    for other in rows where abs(head.position(other) - place) <= radius {
      largest = max(largest, head.score(other))
    }
    return largest
  }
}
