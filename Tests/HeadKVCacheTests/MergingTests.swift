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
    _ rule: some EvictionRule, rows: Int, window: Int, positions: [Int32], biases: [Float],
    scores: [Float]? = nil
  ) -> EvictionPlan {
    var cache = cache(positions: positions, biases: biases)
    let weights = [Float](repeating: 1 / Float(positions.count), count: positions.count)
    if let scores {
      cache.withMutableScores(head: 0) { span in
        for slot in scores.indices { span[slot] = scores[slot] }
      }
    }
    var plan = EvictionPlan()
    cache.withView(head: 0, weights: weights.span) { head in
      let step = HeadStep(
        layer: 0, head: 0, now: positions.max()! + 1, tokens: Int(positions.max()!) + 1,
        prefixRows: 1, newRows: 1, grid: grid)
      rule.observe(head, step)
      rule.plan(
        surplus: positions.count - rows, HeadBudget(rows: rows, window: window), head, step,
        into: &plan)
    }
    return plan
  }

  @Test func theRowThatStandsForFewestGoesIntoItsNearestOldNeighbour() {
    // Slots: prefix, (0,0) for 2, (0,1) for 1, (1,1) for 1, (1,3) for 4, then two of the window.
    let found = plan(
      MergingEviction(), rows: 6, window: 2, positions: [-1, 0, 1, 5, 7, 14, 15],
      biases: [0, log(2), 0, 0, log(4), 0, 0])
    // (0,1) and (1,1) stand for one token each; (0,1) has a neighbour on its line.
    #expect(found.slots == [2] && found.targets == [1])
  }

  @Test func withoutAPairTheOldestRowIsDropped() throws {
    let shape = SequenceShape(layers: 1, heads: 1, headDimension: 1, prefixRows: 1, grid: grid)
    let policy = try PolicyCatalog.make("merge", budget: .rows(3), shape: shape)
    let session = CacheSession(policy)
    for step in 0..<4 { session.advance(shape, step: step) }
    let kept = (0..<3).map { session.row(layer: 0, head: 0, slot: $0) }
    #expect(session.liveRows == 3 && Set(kept.map(\.position)) == [-1, 1, 2])
    #expect(kept.allSatisfy { $0.bias == 0 })
  }

  @Test func heavyHittersDropTheLowestSumButNeitherPrefixNorNewest() {
    // The prefix and the newest rows have the lowest sums and stay.
    let found = plan(
      HeavyHitterEviction(), rows: 4, window: 2, positions: [-1, 3, 4, 5, 6],
      biases: [0, 0, 0, 0, 0], scores: [0, 5, 2, 0, 0])
    #expect(found.slots == [2] && found.targets == [-1])
  }
}
