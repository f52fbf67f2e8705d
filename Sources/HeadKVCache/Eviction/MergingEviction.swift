/// Older rows are averaged with their neighbours along the lines of the picture.
///
/// Of the rows that have left the window, the one that stands for the fewest tokens is merged into
/// the nearest of them in raster order; ties go to the nearer pair, then to the older target. So
/// far parts of the picture keep a share of the attention that they would have drawn in full.
/// Nearest on the grid instead, up and down counting like left and right, loses half as much again
/// at 1/10 of the rows: rows above each other are less alike than rows beside each other.
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
          let cost = MergeCost(slot, into: target, head)
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
  /// Places from one row to the other in raster order.
  private let distance: Int32
  private let targetBirth: Int32

  static let highest = MergeCost(bias: .infinity, distance: .max, targetBirth: .max)

  private init(bias: Float, distance: Int32, targetBirth: Int32) {
    self.bias = bias
    self.distance = distance
    self.targetBirth = targetBirth
  }

  init(_ slot: Int, into target: Int, _ head: HeadView) {
    self.init(
      bias: head.bias(slot), distance: abs(head.position(slot) - head.position(target)),
      targetBirth: head.birth(target))
  }

  static func < (a: MergeCost, b: MergeCost) -> Bool {
    (a.bias, a.distance, a.targetBirth) < (b.bias, b.distance, b.targetBirth)
  }
}
