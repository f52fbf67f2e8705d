import Foundation
import HeadKVCache
import Testing

private let shape = SequenceShape(
  layers: 2, heads: 2, headDimension: 3, prefixRows: 1, grid: TokenGrid(width: 4, height: 4))

/// Random choices that depend on nothing but a seed, the head and the step.
private struct Choice {
  let seed: UInt64

  /// Births to go with those they are merged into, of `old` ones in ascending order.
  func pick(
    _ surplus: Int, of old: [Int32], layer: Int, head: Int, now: Int32
  ) -> [(victim: Int32, target: Int32?)] {
    var random = SplitMix(
      state: seed &* 7919 &+ UInt64(layer * 2 + head) &* 104_729 &+ UInt64(now))
    let order = old.shuffled(using: &random)
    let survivors = order.dropFirst(surplus)
    return order.prefix(surplus).map { victim in
      (victim, Bool.random(using: &random) ? survivors.randomElement(using: &random) : nil)
    }
  }
}

private struct RandomRule: EvictionRule {
  let choice: Choice

  func plan(
    surplus: Int, _ budget: HeadBudget, _ head: HeadView, _ step: HeadStep,
    into plan: inout EvictionPlan
  ) {
    let kept = head.firstKeptBirth(window: budget.window, step)
    var slots: [Int32: Int] = [:]
    for slot in step.prefixRows..<head.count where head.birth(slot) < kept {
      slots[head.birth(slot)] = slot
    }
    for (victim, target) in choice.pick(
      surplus, of: slots.keys.sorted(), layer: step.layer, head: step.head, now: step.now)
    {
      if let target {
        plan.merge(slot: slots[victim]!, into: slots[target]!)
      } else {
        plan.evict(slot: slots[victim]!)
      }
    }
  }
}

/// Budgets that change at random several times.
private struct RandomBudgeter: Budgeter {
  let seed: UInt64
  let profiling: ProfilingOptions? = nil
  let revisions = [3, 4, 9, 13]

  func budgets(_ round: Int) -> HeadMap<HeadBudget> {
    var random = SplitMix(state: seed &+ UInt64(round) &* 31)
    return HeadMap(layers: shape.layers, heads: shape.heads) { _, _ in
      let window = Int.random(in: 1...4, using: &random)
      return HeadBudget(
        rows: 1 + window + .random(in: 0...5, using: &random), window: window)
    }
  }

  func opening(_ shape: SequenceShape) -> HeadMap<HeadBudget> { budgets(0) }

  func revised(
    _ evidence: BudgetEvidence, _ current: HeadMap<HeadBudget>, _ shape: SequenceShape
  ) -> HeadMap<HeadBudget> { budgets(evidence.tokens) }

  func mostRows(_ shape: SequenceShape) -> Int { 10 * shape.allHeads }
}

/// Rows by birth, gathered anew at every step.
private struct Shadow {
  struct Row {
    var key: [Double]
    var tokens: Double
    var position: Int32
  }
  var heads = [[Int32: Row]](repeating: [:], count: shape.allHeads)

  mutating func relieve(_ budgets: HeadMap<HeadBudget>, _ choice: Choice, now: Int32) {
    for index in heads.indices {
      let (layer, head) = (index / 2, index % 2)
      let budget = budgets[layer, head]
      let surplus = heads[index].count - budget.rows
      guard surplus > 0 else { continue }
      let old = heads[index].keys.filter { $0 > 0 && $0 < now - Int32(budget.window) + 1 }
      for (victim, target) in choice.pick(
        surplus, of: old.sorted(), layer: layer, head: head, now: now)
      {
        let gone = heads[index].removeValue(forKey: victim)!
        guard let target, let kept = heads[index][target] else { continue }
        let total = kept.tokens + gone.tokens
        heads[index][target]!.key = zip(kept.key, gone.key).map {
          ($0 * kept.tokens + $1 * gone.tokens) / total
        }
        heads[index][target]!.tokens = total
      }
    }
  }
}

@Suite struct ShadowTests {
  /// Thousands of sequences, evicted, merged and laid out anew in place, against rows that are
  /// gathered by birth.
  @Test(arguments: 0..<20, CacheElement.allCases)
  func inPlaceEqualsGathered(block: Int, element: CacheElement) throws {
    let shape = shape.holding(element)
    for seed in UInt64(block) * 100..<UInt64(block + 1) * 100 {
      let budgeter = RandomBudgeter(seed: seed)
      let choice = Choice(seed: seed)
      let period = Int(seed % 3) + 1
      let schedule = EvictionSchedule.every(period)
      let session = CacheSession(
        try CachePolicy(
          name: "random", shape: shape, budgeter: budgeter, eviction: RandomRule(choice: choice),
          schedule: schedule))
      var shadow = Shadow()
      var budgets = budgeter.budgets(0)
      var random = SplitMix(state: seed)
      for step in 0..<16 {
        let keys = (0..<shape.allHeads).map { _ in
          (0..<3).map { _ in Float.random(in: -1...1, using: &random) }
        }
        session.advance(shape, step: step, key: { keys[$0 * 2 + $1] })
        for index in keys.indices {
          shadow.heads[index][Int32(step)] = Shadow.Row(
            key: keys[index].map(Double.init), tokens: 1, position: Int32(step) - 1)
        }
        if step > 0 && step % period == 0 { shadow.relieve(budgets, choice, now: Int32(step)) }
        if budgeter.revisions.contains(step) {
          budgets = budgeter.budgets(step)
          shadow.relieve(budgets, choice, now: Int32(step))
        }
        guard compare(session, shadow) else {
          Issue.record("sequence \(seed) differs at step \(step)")
          return
        }
      }
    }
  }

  private func compare(_ session: CacheSession, _ shadow: Shadow) -> Bool {
    for index in shadow.heads.indices {
      let rows = unsafe session.rows(layer: index / 2, head: index % 2)
      guard unsafe rows.count == shadow.heads[index].count else { return false }
      for slot in 0..<(unsafe rows.count) {
        let row = session.row(layer: index / 2, head: index % 2, slot: slot)
        guard let expected = shadow.heads[index][row.birth], row.position == expected.position,
          abs(row.bias - Float(log(expected.tokens))) < 1e-5
        else { return false }
        var (key, value) = ([Float](repeating: 0, count: 3), [Float](repeating: 0, count: 3))
        unsafe rows.keys.load(slot, into: &key)
        unsafe rows.values.load(slot, into: &value)
        // A row is rounded when it comes and at each merge; averaging adds no error of its own.
        let bound = 1e-5 + expected.tokens * rounding(session.shape.element)
        guard key == value,
          zip(key, expected.key).allSatisfy({ abs(Double($0) - $1) < bound })
        else { return false }
      }
    }
    return true
  }

  /// Half a step of the type, for numbers up to one.
  private func rounding(_ element: CacheElement) -> Double {
    switch element {
    case .f32: 0
    case .f16: 0x1p-12
    case .bf16: 0x1p-9
    case .int8: 0.5 / 127
    }
  }
}
