import Testing

import HeadKVCache

@Suite struct StratifiedEvictionTests {
  /// The example of the paper's figure 3: a grid of eight columns, token 46 is drawn, two rows are
  /// recent, 22 tokens are history, and five leave each half.
  @Test func theExampleOfThePaper() {
    let history: [Int32] = [
      4, 9, 10, 13, 14, 15, 16, 20, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38,
    ]
    let leave: Set<Int32> = [13, 14, 15, 16, 25, 31, 32, 33, 34, 36]
    let stay: Set<Int32> = [4, 9, 10, 20, 26, 27, 28, 29, 30, 35, 37, 38]
    let recent = Array(Int32(39)...46)
    // The younger half outscores the older one, so that a single pool would drop the older half.
    let cache = evict(
      StratifiedEviction(), history: history, recent: recent, prefix: 1, surplus: 10
    ) { ($0 > 27 ? 0 : -100) + (leave.contains($0) ? -10 : 0) - Float($0) / 100 }
    #expect(cache == stay.union(recent).union([-1]))
  }

  /// Runs a rule over rows with given scores, in shuffled slots, and returns what stays.
  private func evict(
    _ rule: some EvictionRule, history: [Int32], recent: [Int32], prefix: Int, surplus: Int,
    score: (Int32) -> Float
  ) -> Set<Int32> {
    var random = SplitMix(state: 3)
    let rows =
      [Int32](repeating: -1, count: prefix) + history.shuffled(using: &random) + recent
    var cache = LayerCache(headDimension: 1, capacities: [rows.count])
    for position in rows {
      let element: [Float] = [0]
      cache.append(
        head: 0, key: element.span, value: element.span,
        row: CacheRow(position: position, birth: position + 1))
    }
    cache.withMutableScores(head: 0) { scores in
      for slot in rows.indices { scores[slot] = score(rows[slot]) }
    }
    var plan = EvictionPlan()
    let none: [Float] = []
    let weights = none + [Float](repeating: 0, count: rows.count)
    cache.withView(head: 0, weights: weights.span) { head in
      let step = HeadStep(
        layer: 0, head: 0, now: recent.last! + 1, tokens: Int(recent.last!) + 1,
        prefixRows: prefix, newRows: 1, grid: TokenGrid(width: 8, height: 8), sinceUpdate: 1)
      rule.plan(
        surplus: surplus, HeadBudget(rows: rows.count - surplus, window: recent.count), head, step,
        into: &plan)
    }
    cache.apply(plan, head: 0)
    return Set((0..<cache.count(head: 0)).map { cache.row(head: 0, slot: $0).position })
  }

  /// An odd row more leaves the younger half; a half never loses its last row while it need not.
  @Test(arguments: [(3, 1, 2), (5, 2, 3), (6, 3, 3), (7, 3, 4)])
  func halvesShareTheSurplus(surplus: Int, old: Int, young: Int) {
    let kept = evict(
      StratifiedEviction(), history: Array(0..<8), recent: [8, 9], prefix: 1, surplus: surplus
    ) { Float($0) }
    #expect(kept.filter { (0..<4).contains($0) }.count == 4 - old)
    #expect(kept.filter { (4..<8).contains($0) }.count == 4 - young)
  }

  @Test func lineKeepsAnchorsWhileHalfIsLeft() {
    // 6 rows stay: the prefix, 2 recent ones, so 3 are free and one anchor holds.
    let kept = evict(
      LineEviction(anchors: 8), history: Array(0..<8), recent: [8, 9], prefix: 1, surplus: 5
    ) { Float($0) }
    #expect(kept == [-1, 0, 6, 7, 8, 9])
  }

  @Test func snapPoolsOverNeighbours() {
    // Token 4 alone was looked at; its neighbours 3 and 5 share in that, and 0 and 7 are far.
    let kept = evict(
      SnapEviction(observation: 1, kernel: 3), history: Array(0..<8), recent: [8, 9], prefix: 1,
      surplus: 5
    ) { $0 == 4 ? 3 : 0 }
    #expect(kept == [-1, 3, 4, 5, 8, 9])
  }

  @Test func strataThinOutEvenly() {
    // Two clusters of the 8 x 8 grid: one of each pair goes, the lone token stays.
    let kept = evict(
      SpatialStrataEviction(), history: [0, 1, 20, 30, 31], recent: [40], prefix: 1, surplus: 2
    ) { _ in 0 }
    #expect(kept == [-1, 1, 20, 31, 40])
  }
}

@Suite struct RedundancyEvictionTests {
  /// Of keys that are alike the youngest is spared; among equals the least important goes.
  @Test func oneOfSeveralAlikeSurvives() {
    var cache = LayerCache(headDimension: 3, capacities: [6])
    let keys: [[Float]] = [[0, 0, 0], [1, 0, 0], [1, 0.1, 0], [1, 0, 0.1], [0, 1, 0], [0, 0, 1]]
    for (index, key) in keys.enumerated() {
      cache.append(
        head: 0, key: key.span, value: key.span,
        row: CacheRow(position: Int32(index) - 1, birth: Int32(index)))
    }
    var plan = EvictionPlan()
    let weights = [Float](repeating: 1.0 / 6, count: 6)
    cache.withView(head: 0, weights: weights.span) { head in
      let step = HeadStep(
        layer: 0, head: 0, now: 5, tokens: 5, prefixRows: 1, newRows: 1,
        grid: TokenGrid(width: 8, height: 8))
      RedundancyEviction(observation: 1, kernel: 1).plan(
        surplus: 2, HeadBudget(rows: 4, window: 1), head, step, into: &plan)
    }
    #expect(Set(plan.slots) == [1, 2])
  }
}

@Suite struct ScheduleTests {
  @Test(arguments: [1, 2, 5, 16], [0, 1, 4]) func updatesEveryPeriod(period: Int, phase: Int) {
    let schedule = EvictionSchedule.every(period, phase: phase)
    for tokens in 0..<100 {
      let due = schedule.isDue(from: tokens, to: tokens + 1)
      #expect(due == ((tokens + 1) % period == phase % period))
      #expect(schedule.remaining(after: tokens + 1) == 0 ? due : !due)
      if !due {
        #expect(
          schedule.remaining(after: tokens + 1) == schedule.remaining(after: tokens + 2) + 1)
      }
    }
    // Steps of several tokens do not skip an update.
    #expect(EvictionSchedule.every(16).isDue(from: 14, to: 17))
    #expect(!EvictionSchedule.every(16).isDue(from: 16, to: 19))
  }
}
