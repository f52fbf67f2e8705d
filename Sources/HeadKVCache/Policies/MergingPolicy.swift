/// Keeps the prefix and the newest rows, and averages older rows with their neighbours on the grid.
///
/// Of the rows that have left the window, the one that stands for the fewest tokens is merged into
/// the nearest of them in the picture; ties go to the nearer pair, then to the smaller target. So
/// far parts of the picture keep a share of the attention that they would have drawn in full.
public struct MergingPolicy: EvictionPolicy, Hashable {
  /// Rows a head keeps after each step, prefix included.
  public let rows: Int
  /// Newest rows that stay as they are.
  public let window: Int

  /// - Parameter windowShare: part of `rows` that the newest rows get.
  /// - Precondition: `rows` is at least 2, `windowShare` between 0 and 1.
  public init(rows: Int, windowShare: Double = 0.75) {
    precondition(rows > 1 && (0...1).contains(windowShare), "a window and a row beside it")
    self.rows = rows
    window = min(max(Int((windowShare * Double(rows)).rounded()), 1), rows - 1)
  }

  public func capacity(layer: Int, head: Int, shape: SequenceShape) -> Int {
    rows + shape.rowsPerStep
  }

  /// - Complexity: O(m^2) for m rows older than the window, when there is a surplus.
  public func plan(
    _ step: HeadStep, positions: Span<Int32>, births: Span<Int32>, biases: Span<Float>,
    weights: Span<Float>, scores: inout MutableSpan<Float>, into plan: inout EvictionPlan
  ) {
    let count = births.count
    guard count > rows else { return }
    // The score of a row is its mark within this call: 1 for a row that takes part in a merge.
    for slot in 0..<count { scores[slot] = 0 }
    for _ in 0..<count - rows {
      var best = MergeCost.highest
      var pair = (slot: -1, target: -1)
      for slot in step.prefixRows..<count where isOld(births[slot], step) && scores[slot] == 0 {
        for target in step.prefixRows..<count
        where target != slot && isOld(births[target], step) && scores[target] == 0 {
          let cost = MergeCost(slot, into: target, positions, biases, step.grid)
          if cost < best {
            best = cost
            pair = (slot, target)
          }
        }
      }
      guard pair.slot >= 0 else { return evictOldest(step, births, scores, &plan) }
      scores[pair.slot] = 1
      scores[pair.target] = 1
      plan.merge(slot: pair.slot, into: pair.target)
    }
  }

  private func isOld(_ birth: Int32, _ step: HeadStep) -> Bool { step.now - birth >= Int32(window) }

  /// With a single row beside the window there is no pair: the oldest row goes.
  private func evictOldest(
    _ step: HeadStep, _ births: Span<Int32>, _ scores: borrowing MutableSpan<Float>,
    _ plan: inout EvictionPlan
  ) {
    var oldest = -1
    for slot in step.prefixRows..<births.count where scores[slot] == 0 {
      if oldest < 0 || births[slot] < births[oldest] { oldest = slot }
    }
    if oldest >= 0 { plan.evict(slot: oldest) }
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

  init(
    _ slot: Int, into target: Int, _ positions: Span<Int32>, _ biases: Span<Float>,
    _ grid: TokenGrid
  ) {
    let width = Int32(grid.width)
    let down = positions[slot] / width - positions[target] / width
    let right = positions[slot] % width - positions[target] % width
    self.init(
      bias: biases[slot], squaredDistance: down * down + right * right,
      targetBias: biases[target])
  }

  static func < (a: MergeCost, b: MergeCost) -> Bool {
    (a.bias, a.squaredDistance, a.targetBias) < (b.bias, b.squaredDistance, b.targetBias)
  }
}
