import HeadKV
import Testing

/// What somebody else might write: rows go that were looked at least at last, half of each head's
/// rows are its newest ones, and every second line is updated.
private struct LastLookPolicy: PolicyMaker {
  var rows = 40
  var everyLines = 2
  let name = "last-look"

  func policy(for shape: SequenceShape) throws(PolicyError) -> CachePolicy {
    try CachePolicy(
      name: name, shape: shape,
      budgeter: FixedBudgets(
        UniformBudget(window: .share(0.5)), total: rows * shape.allHeads),
      eviction: LastLook(), schedule: .every(everyLines * shape.grid.width))
  }
}

private struct LastLook: RowScorer {
  func observe(_ head: HeadView, _ step: HeadStep) {
    for slot in 0..<head.count { head.setScore(slot, head.weight(query: 0, slot: slot)) }
  }
}

/// H2O's rule, said once more from outside.
private struct AttentionSum: RowScorer {
  func observe(_ head: HeadView, _ step: HeadStep) {
    for query in 0..<head.queries {
      for slot in 0..<head.count {
        head.setScore(slot, head.score(slot) + head.weight(query: query, slot: slot))
      }
    }
  }
}

private struct HeavyHittersFromOutside: PolicyMaker {
  let name = "heavy"

  func policy(for shape: SequenceShape) throws(PolicyError) -> CachePolicy {
    try CachePolicy(
      name: name, shape: shape,
      budgeter: FixedBudgets(
        UniformBudget(window: .share(0.5, .down)), total: 40 * shape.allHeads),
      eviction: AttentionSum())
  }
}

/// The likeliest of the codes that a picture's number falls on.
private struct EveryOther: TokenSampler {
  mutating func pick(_ logits: Span<Float>, uniform: Double) -> Int32 {
    var best = uniform < 0.5 ? 0 : 1
    for code in stride(from: best, to: logits.count, by: 2) where logits[code] > logits[best] {
      best = code
    }
    return Int32(best)
  }
}

@Suite struct CustomTests {
  private func tokens(
    _ policy: PolicyChoice, classes: [Int] = [1, 5, 8], batch: Int = 8, threads: Int = 2,
    sampler: TokenSamplerMaker? = nil
  ) throws -> GenerationResult {
    let options = try GenerationOptions(
      guidanceScale: 2.5, topK: 200, seed: 11, policy: policy, threads: threads, batch: batch)
    return try Generator(model: ImageModel.bundled(), options: options, sampler: sampler)
      .generate(classes: classes)
  }

  /// A rule said from outside keeps what the same rule of the catalog keeps.
  @Test func aRuleFromOutsideIsTheRuleInside() throws {
    let inside = try tokens(PolicyChoice("h2o", budget: .rows(40)))
    let outside = try tokens(PolicyChoice(HeavyHittersFromOutside()))
    #expect(outside.images == inside.images)
    #expect(outside.report.cacheBytesPeak == inside.report.cacheBytesPeak)
  }

  @Test func anOwnPolicyHoldsItsPlan() throws {
    let choice = PolicyChoice(LastLookPolicy(), element: .bf16)
    let together = try tokens(choice)
    #expect(try tokens(choice, batch: 1, threads: 1).images == together.images)
    let report = together.report
    #expect(report.cacheBytesPeak <= report.cacheBytesPlanned)
    #expect(report.steadyRowsPeak > 40 * 36 && report.steadyRowsPeak <= (40 + 32) * 36)
    let full = try tokens(PolicyChoice("full", element: .bf16))
    #expect(report.cacheBytesFull == full.report.cacheBytesFull)
  }

  @Test func anOwnPolicyIsEvaluated() throws {
    let set = try TokenSet(reading: BundledFiles.path("eval.safetensors"))
    let choices = [PolicyChoice(LastLookPolicy()), PolicyChoice(LastLookPolicy(rows: 2))]
    let found = try Evaluator(gpt: ImageModel.bundled().gpt, policies: choices)
      .evaluateAll(set, limit: 2)
    #expect(found.map(\.policy) == choices)
    #expect(found[0].report.delta > 0 && found[1].report.delta > found[0].report.delta)
  }

  /// Choices are equal when their makers are, of type and value.
  @Test func choicesAreValues() {
    let choice = PolicyChoice(LastLookPolicy())
    #expect(choice == PolicyChoice(LastLookPolicy()) && choice.name == "last-look")
    #expect(choice != PolicyChoice(LastLookPolicy(rows: 41)))
    #expect(choice != PolicyChoice("last-look"))
    #expect(Set([choice, PolicyChoice(LastLookPolicy())]).count == 1)
  }

  @Test func aPolicyThatDoesNotFitIsAnError() throws {
    #expect(throws: PolicyError.rows(.tooSmall(total: 36, needed: 72))) {
      try tokens(PolicyChoice(LastLookPolicy(rows: 1)))
    }
  }

  @Test func anOwnSamplerPicks() throws {
    let make: TokenSamplerMaker = { _ in EveryOther() }
    let drawn = try tokens(PolicyChoice("full"), sampler: make)
    for image in drawn.images {
      for (index, token) in image.tokens.enumerated() {
        let isOdd = Philox(key: image.seed).uniform(index) >= 0.5
        #expect((token % 2 == 1) == isOdd)
      }
    }
    #expect(
      try tokens(PolicyChoice("full"), batch: 1, threads: 1, sampler: make).images == drawn.images)
  }

  /// The sampler that options stand for is the one that comes with the package.
  @Test func theSamplerOfTheOptions() throws {
    let sampling = try Sampling(topK: 200)
    let given = try tokens(PolicyChoice("full")) { Sampler(sampling, vocabulary: $0) }
    #expect(given.images == (try tokens(PolicyChoice("full"))).images)
  }
}
