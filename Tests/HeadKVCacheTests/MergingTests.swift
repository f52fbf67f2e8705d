import Foundation
import HeadKVCache
import Testing

@Suite struct MergingTests {
  private let grid = TokenGrid(width: 4, height: 4)

  /// A head of one number a row: key p, value 10 p at position p.
  private func cache(positions: [Int32], biases: [Float]) -> LayerCache {
    var cache = LayerCache(headDimension: 1, capacities: [positions.count])
    for (position, bias) in zip(positions, biases) {
      let (key, value): ([Float], [Float]) = ([Float(position)], [10 * Float(position)])
      cache.append(
        head: 0, key: key.span, value: value.span,
        row: CacheRow(position: position, birth: position + 1, bias: bias))
    }
    return cache
  }

  @Test func aMergedRowIsTheWeightedAverageAndCarriesTheCount() {
    var cache = cache(positions: [0, 4, 8], biases: [log(3), 0, 0])
    var plan = EvictionPlan()
    plan.merge(slot: 1, into: 0)
    cache.apply(plan, head: 0)
    #expect(cache.count(head: 0) == 2)
    #expect(cache.withKeys(head: 0) { abs($0[0] - 1) < 1e-6 && $0[1] == 8 })
    #expect(cache.withValues(head: 0) { abs($0[0] - 10) < 1e-5 && $0[1] == 80 })
    #expect(abs(cache.row(head: 0, slot: 0).bias - log(4)) < 1e-6)
    #expect(cache.row(head: 0, slot: 0).position == 0 && cache.row(head: 0, slot: 1).position == 8)
  }

  @Test func severalMergesAndEvictionsInOnePlan() {
    var cache = cache(positions: [0, 1, 2, 3, 4], biases: [0, 0, 0, 0, 0])
    var plan = EvictionPlan()
    plan.merge(slot: 0, into: 1)
    plan.evict(slot: 2)
    plan.merge(slot: 3, into: 4)
    cache.apply(plan, head: 0)
    var kept: [Float: Float] = [:]
    for slot in 0..<cache.count(head: 0) {
      kept[cache.withKeys(head: 0) { $0[slot] }] = cache.row(head: 0, slot: slot).bias
    }
    #expect(kept.keys.sorted() == [0.5, 3.5])
    #expect(kept.values.allSatisfy { abs($0 - log(2)) < 1e-6 })
  }

  private func plan(
    _ policy: some EvictionPolicy, positions: [Int32], biases: [Float], scores: [Float]? = nil
  ) -> EvictionPlan {
    let births = positions.map { $0 + 1 }
    let weights = [Float](repeating: 1 / Float(positions.count), count: positions.count)
    var scores = scores ?? positions.map { _ in 0 }
    var span = scores.mutableSpan
    var plan = EvictionPlan()
    policy.plan(
      HeadStep(
        layer: 0, head: 0, now: births.max()!, prefixRows: 1, newRows: 1, queries: 1, grid: grid),
      positions: positions.span, births: births.span, biases: biases.span, weights: weights.span,
      scores: &span, into: &plan)
    return plan
  }

  @Test func theRowThatStandsForFewestGoesIntoItsNearestOldNeighbour() {
    // Slots: prefix, (0,0) for 2, (0,1) for 1, (1,1) for 1, (1,3) for 4, then two of the window.
    let found = plan(
      MergingPolicy(rows: 6, windowShare: 1 / 3), positions: [-1, 0, 1, 5, 7, 14, 15],
      biases: [0, log(2), 0, 0, log(4), 0, 0])
    // (0,1) and (1,1) are neighbours that stand for one token each.
    #expect(found.slots == [2] && found.targets == [3])
  }

  @Test func withoutAPairTheOldestRowIsDropped() {
    let found = plan(
      MergingPolicy(rows: 3), positions: [-1, 3, 4, 5], biases: [0, 0, 0, 0])
    #expect(found.slots == [1] && found.targets == [-1])
  }

  @Test func heavyHittersDropTheLowestSumButNeitherPrefixNorNewest() {
    // The prefix and the newest rows have the lowest sums and stay.
    let found = plan(
      HeavyHitterPolicy(rows: 4), positions: [-1, 3, 4, 5, 6], biases: [0, 0, 0, 0, 0],
      scores: [0, 5, 2, 0, 0])
    #expect(found.slots == [2] && found.targets == [-1])
  }
}
