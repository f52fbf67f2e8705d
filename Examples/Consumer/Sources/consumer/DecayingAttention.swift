import Foundation
import HeadKV

/// A policy of one's own: rows stay that drew attention lately.
///
/// Every head keeps `rows` rows, half of them its newest; of the others those go whose attention,
/// an average that forgets by `decay` a step, is least.
struct DecayingAttention: PolicyMaker {
  var rows: Int
  var decay: Float = 0.9

  var name: String { "decaying-attention" }

  func policy(for shape: SequenceShape) throws(PolicyError) -> CachePolicy {
    try CachePolicy(
      name: name, shape: shape,
      budgeter: FixedBudgets(UniformBudget(window: .share(0.5)), total: rows * shape.allHeads),
      eviction: Scorer(decay: decay))
  }

  /// The score of a row is its average so far.
  private struct Scorer: RowScorer {
    let decay: Float

    func observe(_ head: HeadView, _ step: HeadStep) {
      for slot in 0..<head.count {
        var drawn: Float = 0
        for query in 0..<head.queries { drawn += head.weight(query: query, slot: slot) }
        head.setScore(slot, decay * head.score(slot) + (1 - decay) * drawn)
      }
    }
  }
}

/// A sampler of one's own: min-p, which draws from the codes that are at least `share` as likely as
/// the likeliest one.
struct MinimumProbability: TokenSampler {
  let share: Float
  /// Probabilities up to a factor; made once, as picking may not allocate.
  private var weights: [Float]

  init(share: Float, vocabulary: Int) {
    self.share = share
    weights = Array(repeating: 0, count: vocabulary)
  }

  mutating func pick(_ logits: Span<Float>, uniform: Double) -> Int32 {
    var top = logits[0]
    for code in logits.indices { top = max(top, logits[code]) }
    var total: Float = 0
    for code in logits.indices {
      let weight = exp(logits[code] - top)
      weights[code] = weight >= share ? weight : 0
      total += weights[code]
    }
    var left = Float(uniform) * total
    var last = 0
    for code in logits.indices where weights[code] > 0 {
      last = code
      left -= weights[code]
      if left < 0 { break }
    }
    return Int32(last)
  }
}
