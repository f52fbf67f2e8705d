import Foundation
import HeadKVCache
import Synchronization
import Testing

/// Pairwise merging that remembers nothing: every pair is looked at each time.
private struct ForgetfulMerging: EvictionRule {
  var mostPerPlan: Int { 1 }

  func plan(
    surplus: Int, _ budget: HeadBudget, _ head: HeadView, _ step: HeadStep,
    into plan: inout EvictionPlan
  ) {
    head.clearScores()
    PairwiseMerging(partners: 100, rests: false).plan(surplus: surplus, budget, head, step, into: &plan)
  }
}

/// Pairwise merging that adds up what its merges cost, of rows whose values are their keys.
private final class CountedMerging: EvictionRule {
  let rule: PairwiseMerging
  let costs = Mutex(0.0)
  init(rests: Bool) { rule = PairwiseMerging(rests: rests) }
  var mostPerPlan: Int { 1 }

  func plan(
    surplus: Int, _ budget: HeadBudget, _ head: HeadView, _ step: HeadStep,
    into plan: inout EvictionPlan
  ) {
    rule.plan(surplus: surplus, budget, head, step, into: &plan)
    for (slot, target) in zip(plan.slots, plan.targets) where target >= 0 {
      let (a, b) = (Int(slot), Int(target))
      let distance = Double(head.keyDot(a, a) + head.keyDot(b, b) - 2 * head.keyDot(a, b))
      let (m, n) = (exp(Double(head.bias(a))), exp(Double(head.bias(b))))
      let share = m * n / (m + n)
      costs.withLock { $0 += share * share * distance * distance }
    }
  }
}

@Suite struct DistortionTests {
  private let shape = SequenceShape(
    layers: 1, heads: 2, headDimension: 6, prefixRows: 1, grid: TokenGrid(width: 10, height: 10))

  private func session(_ rule: some EvictionRule, rows: Int, window: Double) throws -> CacheSession {
    CacheSession(
      try CachePolicy(
        name: "test", shape: shape,
        budgeter: FixedBudgets(UniformBudget(window: .share(window)), total: 2 * rows),
        eviction: rule))
  }

  private func state(_ session: CacheSession, head: Int) -> [CacheRow] {
    (0..<session.count(layer: 0, head: head)).map { session.row(layer: 0, head: head, slot: $0) }
  }

  /// Bounds that are kept from step to step find the same pairs as a look at all of them.
  @Test(arguments: 0..<200) func boundsFindTheCheapestPair(seed: Int) throws {
    let (rows, window) = ([5, 12, 30][seed % 3], [0.2, 0.5, 0.8][seed / 3 % 3])
    let fast = try session(PairwiseMerging(partners: 100, rests: false), rows: rows, window: window)
    let naive = try session(ForgetfulMerging(), rows: rows, window: window)
    var a = SplitMix(state: UInt64(seed))
    var b = a
    var agree = true
    for step in 0..<100 {
      fast.advance(shape, step: step, key: { _, _ in (0..<6).map { _ in .random(in: -1...1, using: &a) } })
      naive.advance(shape, step: step, key: { _, _ in (0..<6).map { _ in .random(in: -1...1, using: &b) } })
      agree = agree && (0..<2).allSatisfy { state(fast, head: $0) == state(naive, head: $0) }
    }
    #expect(agree)
    // A window that takes all rows leaves none to merge with.
    if rows == 5 && window == 0.8 { return }
    // Nothing is forgotten: the rows stand for all tokens.
    let tokens = state(fast, head: 0).reduce(0.0) { $0 + exp(Double($1.bias)) }
    #expect(abs(tokens - 100) < 1e-3)
  }

  /// That merged rows rest adds little to what all merges cost, also where rows come from few places
  /// and the one just merged is often the cheapest to merge again.
  @Test(arguments: 0..<20) func restingCostsLittle(seed: Int) throws {
    let total = try [true, false].map { rests in
      let rule = CountedMerging(rests: rests)
      let session = try session(rule, rows: [12, 30][seed % 2], window: 0.3)
      var random = SplitMix(state: UInt64(seed))
      let places = (0..<5).map { _ in (0..<6).map { _ in Float.random(in: -1...1, using: &random) } }
      for step in 0..<100 {
        session.advance(
          shape, step: step,
          key: { _, _ in
            places.randomElement(using: &random)!.map { $0 + .random(in: -0.2...0.2, using: &random) }
          })
      }
      return rule.costs.withLock { $0 }
    }
    #expect(total[0] < 1.1 * total[1])
  }

  private func curve(_ random: inout SplitMix) -> DistortionCurve {
    DistortionCurve(
      (0..<Int.random(in: 1...9, using: &random)).map { _ in
        let (window, pool) = (Int.random(in: 1...12, using: &random), Int.random(in: 0...9, using: &random))
        return .init(
          rows: 1 + window + pool, window: window, pool: pool, error: .random(in: 0...1, using: &random))
      })
  }

  @Test(arguments: 0..<300) func splitsSumExactly(seed: Int) {
    var random = SplitMix(state: UInt64(seed))
    let shape = SequenceShape(
      layers: 3, heads: 4, headDimension: 8, prefixRows: 1, grid: TokenGrid(width: 6, height: 6))
    let curves = HeadMap(layers: 3, heads: 4) { _, _ in curve(&random) }
    let total = Int.random(in: 3 * 12...36 * 12, using: &random)
    let budgets = DistortionSplit.budgets(curves, total: total, least: 3, shape)
    #expect(budgets.values.reduce(0) { $0 + $1.rows } == total)
    for budget in budgets.values {
      #expect(budget.rows >= 3 && budget.rows <= 36)
      #expect(budget.window >= 1 && budget.window < budget.rows)
    }
  }

  /// With convex curves the split is the best there is.
  @Test(arguments: 0..<60) func splitIsOptimalForConvexCurves(seed: Int) {
    var random = SplitMix(state: UInt64(seed))
    let shape = SequenceShape(
      layers: 1, heads: 3, headDimension: 8, prefixRows: 1, grid: TokenGrid(width: 4, height: 4))
    let errors = (0..<3).map { _ in
      var gains = (0..<12).map { _ in Double.random(in: 0.01...1, using: &random) }
      gains.sort(by: >)
      return gains.indices.map { gains[$0...].reduce(0, +) }
    }
    let curves = HeadMap(layers: 1, heads: 3) { _, head in
      DistortionCurve(
        errors[head].enumerated().map { .init(rows: 3 + $0, window: 1 + $0, pool: 1, error: $1) })
    }
    let total = Int.random(in: 9...40, using: &random)
    func error(_ rows: [Int]) -> Double {
      zip(errors, rows).reduce(0) { $0 + $1.0[min($1.1 - 3, 11)] }
    }
    var best = Double.infinity
    for a in 3...15 {
      for b in 3...15 where (3...15).contains(total - a - b) {
        best = min(best, error([a, b, total - a - b]))
      }
    }
    let split = DistortionSplit.budgets(curves, total: total, least: 3, shape).values.map(\.rows)
    if best < .infinity { #expect(abs(error(split) - best) < 1e-9) }
  }

  /// A strict budget holds after every token, also while heads are profiled.
  @Test(arguments: [4, 6, 11, 20, 40]) func strictNeverExceedsTheBudget(rows: Int) throws {
    let policy = try PolicyCatalog.make(
      "auto", budget: .rows(rows), options: ["cap": "strict"], shape: shape)
    let session = CacheSession(policy)
    var random = SplitMix(state: UInt64(rows))
    for step in 0..<100 {
      session.advance(
        shape, step: step, logits: { _, head, row in head == 0 ? 0 : Float(row.birth) },
        key: { _, _ in (0..<6).map { _ in .random(in: -1...1, using: &random) } })
      #expect(session.liveRows <= 2 * rows)
      #expect(session.byteCount <= policy.memory.capBytes)
    }
    #expect(!session.isProfiling && session.budgets.values.reduce(0) { $0 + $1.rows } == 2 * rows)
  }
}
