/// Keeps the prefix, the newest rows and those that have drawn the most attention.
///
/// H2O (Zhang et al., "H2O: Heavy-Hitter Oracle for Efficient Generative Inference of Large Language
/// Models", arXiv 2306.14048): a row's score is the sum of its softmax weights over all queries so
/// far; half of the rows are kept for being new. A new row attends before the lowest score leaves.
public struct HeavyHitterPolicy: EvictionPolicy, Hashable {
  /// Rows a head keeps after each step, prefix included.
  public let rows: Int
  /// Newest rows that never go.
  public let recent: Int

  /// - Parameter recent: half of `rows` by default, as in the paper.
  /// - Precondition: `rows` is positive, `recent` at least 0 and below `rows`.
  public init(rows: Int, recent: Int? = nil) {
    self.rows = rows
    self.recent = recent ?? rows / 2
    precondition(rows > 0 && (0..<rows).contains(self.recent), "heavy hitters leave a row to score")
  }

  public func capacity(layer: Int, head: Int, shape: SequenceShape) -> Int {
    rows + shape.rowsPerStep
  }

  public func plan(
    _ step: HeadStep, positions: Span<Int32>, births: Span<Int32>, biases: Span<Float>,
    weights: Span<Float>, scores: inout MutableSpan<Float>, into plan: inout EvictionPlan
  ) {
    let count = births.count
    for query in 0..<step.queries {
      for slot in 0..<count { scores[slot] += weights[query * count + slot] }
    }
    let surplus = min(count - rows, count - step.prefixRows)
    guard surplus > 0 else { return }
    for _ in 0..<surplus {
      var lowest = -1
      for slot in step.prefixRows..<count where scores[slot] >= 0 {
        // In raster order and one token a step, a row younger than `recent` steps is a newest one.
        guard step.now - births[slot] >= Int32(recent) else { continue }
        if lowest < 0 || scores[slot] < scores[lowest] { lowest = slot }
      }
      guard lowest >= 0 else { break }
      plan.evict(slot: lowest)
      // Named: not to be found again.
      scores[lowest] = -1
    }
  }
}
