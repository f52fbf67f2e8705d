/// Older rows are averaged with their neighbours on the grid.
///
/// Of the rows that have left the window, the one that stands for the fewest tokens is merged into
/// the nearest of them in the picture; ties go to the nearer pair, then to the smaller target. So
/// far parts of the picture keep a share of the attention that they would have drawn in full.
public struct MergingEviction: EvictionRule, Hashable {
  public init() {}

  /// - Complexity: O(surplus * m^2) for m rows older than the window.
  public func plan(
    surplus: Int, _ budget: HeadBudget, _ head: HeadView, _ step: HeadStep,
    into plan: inout EvictionPlan
  ) {
    let kept = head.firstKeptBirth(window: budget.window, step)
    // The score of a row is its mark within this call: 1 for a row that takes part in a merge.
    head.clearScores()
    func isFree(_ slot: Int) -> Bool { head.birth(slot) < kept && head.score(slot) == 0 }
    for _ in 0..<surplus {
      var best = MergeCost.highest
      var pair = (slot: -1, target: -1)
      for slot in step.prefixRows..<head.count where isFree(slot) {
        for target in step.prefixRows..<head.count where target != slot && isFree(target) {
          let cost = MergeCost(slot, into: target, head, step.grid)
          if cost < best {
            best = cost
            pair = (slot, target)
          }
        }
      }
      // With a single row beside the window there is no pair, and the oldest row goes.
      guard pair.slot >= 0 else { return }
      head.setScore(pair.slot, 1)
      head.setScore(pair.target, 1)
      plan.merge(slot: pair.slot, into: pair.target)
    }
  }
}

/// How much a merge is to be avoided: compared field by field.
private struct MergeCost: Comparable {
  /// Biases rise with the counts whose logarithms they are.
  private let bias: Float
  private let squaredDistance: Int32
  private let targetBias: Float

  static let highest = MergeCost(bias: .infinity, squaredDistance: .max, targetBias: .infinity)

  private init(bias: Float, squaredDistance: Int32, targetBias: Float) {
    self.bias = bias
    self.squaredDistance = squaredDistance
    self.targetBias = targetBias
  }

  init(_ slot: Int, into target: Int, _ head: HeadView, _ grid: TokenGrid) {
    self.init(
      bias: head.bias(slot),
      squaredDistance: grid.squaredDistance(head.position(slot), head.position(target)),
      targetBias: head.bias(target))
  }

  static func < (a: MergeCost, b: MergeCost) -> Bool {
    (a.bias, a.squaredDistance, a.targetBias) < (b.bias, b.squaredDistance, b.targetBias)
  }
}
