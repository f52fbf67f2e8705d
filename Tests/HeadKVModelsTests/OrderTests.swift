import HeadKVCache
import HeadKVModels
import HeadKVTestSupport
import HeadKVWeights
import Synchronization
import Testing

@Suite struct OrderTests {
  /// Anti-diagonals of the grid from the top left corner on.
  private func diagonals(_ side: Int) -> [[Int]] {
    (0..<2 * side - 1).map { sum in
      (0..<side).filter { (0..<side).contains(sum - $0) }.map { $0 * side + sum - $0 }
    }
  }

  /// Any order, one token or a group of tokens a step, against the naive twin.
  @Test(arguments: [1, 2, 3]) func groupsOfTokens(size: Int) throws {
    let golden = try Golden("c2i-tiny")
    var reference = try ReferenceGPT(
      TensorCatalog.open(Golden.path("c2i-tiny/gpt.safetensors")), golden.model.configuration)
    let engine = DecodeEngine(
      model: golden.model, sequences: 2, threads: 2, rowsPerStep: size)
    try engine.begin(0, condition: .category(4))
    try engine.begin(1, condition: .category(5))
    var expected = reference.feed([(4, nil)])
    let order = Array(diagonals(8).joined().prefix(24))
    let tokens = try golden.integers("tokens")
    var at = 0
    while at < order.count {
      for (row, logits) in expected.enumerated() {
        engine.withLogits(0, row: row) { found in
          for code in logits.indices { #expect(abs(Double(found[code]) - logits[code]) < 2e-4) }
        }
      }
      let group = order[at..<min(at + size, order.count)]
      engine.step(
        group.map { StepRow(sequence: 0, token: Int32(tokens[$0]), position: Int32($0)) })
      expected = reference.feed(group.map { (tokens[$0], $0) })
      at += group.count
    }
    #expect(engine.liveRows(0) == 25 * 3 * 4 && engine.liveRows(1) == 3 * 4)
  }

  /// What a rule is shown: every live row once, weights that sum to one, ages that fit.
  @Test func ruleSeesEachRow() throws {
    let golden = try Golden("c2i-tiny")
    let spy = SpyRule()
    let shape = golden.model.configuration.sequenceShape
    let policy = try CachePolicy(
      name: "spy", shape: shape,
      budgeter: FixedBudgets(UniformBudget(), total: 9 * shape.allHeads), eviction: spy)
    let engine = DecodeEngine(model: golden.model, policy: policy, sequences: 1, threads: 2)
    try engine.begin(0, condition: .category(1))
    for position in 0..<40 {
      engine.step([StepRow(sequence: 0, token: 1, position: Int32(position))])
      #expect(engine.mostLiveRows(0) == min(position + 2, 9))
    }
    #expect(spy.asked.load(ordering: .relaxed) == 41 * 3 * 4)
    #expect(spy.faults.load(ordering: .relaxed) == 0)
    #expect(engine.cacheBytes == engine.shape.byteCount(rowsPerHead: 10))
  }
}

/// A window that counts what it is shown wrongly.
private final class SpyRule: EvictionRule {
  let asked = Atomic<Int>(0)
  let faults = Atomic<Int>(0)

  func observe(_ head: HeadView, _ step: HeadStep) {
    asked.add(1, ordering: .relaxed)
    var sum: Float = 0
    var seen: Set<Int32> = []
    for slot in 0..<head.count {
      sum += head.weight(query: 0, slot: slot)
      seen.insert(head.position(slot))
      // In raster order the class token is born first, and each token one step later.
      if head.birth(slot) != head.position(slot) + 1 { faults.add(1, ordering: .relaxed) }
      if step.now - head.birth(slot) < 0 || head.position(slot) >= 64 {
        faults.add(1, ordering: .relaxed)
      }
    }
    let newest = head.position(head.count - 1)
    if abs(sum - 1) > 1e-5 || seen.count != head.count || newest != step.now - 1
      || head.position(0) != -1 || step.prefixRows != 1 || head.queries != 1
    {
      faults.add(1, ordering: .relaxed)
    }
  }

  func plan(
    surplus: Int, _ budget: HeadBudget, _ head: HeadView, _ step: HeadStep,
    into plan: inout EvictionPlan
  ) {
    WindowEviction().plan(surplus: surplus, budget, head, step, into: &plan)
  }
}
