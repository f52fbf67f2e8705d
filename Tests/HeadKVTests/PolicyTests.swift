import HeadKV
import Synchronization
import Testing

private let policies = PolicyCatalog.all.map(\.name).filter { $0 != "full" }

@Suite struct PolicyTests {
  private func tokens(
    _ policy: PolicyChoice, _ classes: [Int] = [4], batch: Int = 8, threads: Int = 2,
    interval: Int = -1, observers: CacheObservers = { _, _ in [] }
  ) throws -> GenerationResult {
    let options = try GenerationOptions(
      guidanceScale: 2.5, guidanceInterval: interval, topK: 200, seed: 11, policy: policy,
      threads: threads, batch: batch)
    return try Generator(model: ImageModel.bundled(), options: options)
      .generate(classes: classes, observers: observers)
  }

  @Test(arguments: policies, GuidanceBranches.allCases)
  func aWholeBudgetIsTheFullCache(name: String, branches: GuidanceBranches) throws {
    let full = try tokens(PolicyChoice("full"))
    let whole = try tokens(PolicyChoice(name, budget: .share(1), branches: branches))
    #expect(whole.images == full.images)
    #expect(whole.report.cacheBytesPeak == full.report.cacheBytesFull)
  }

  /// A picture is the same in any batch and with any number of threads, and within its plan.
  @Test(arguments: policies, GuidanceBranches.allCases)
  func batchAndThreadsChangeNothing(name: String, branches: GuidanceBranches) throws {
    let choice = PolicyChoice(name, budget: .share(1.0 / 8), branches: branches)
    let together = try tokens(choice, [1, 5, 8])
    #expect(try tokens(choice, [1, 5, 8], batch: 1, threads: 1).images == together.images)
    #expect(try tokens(choice, [1, 5, 8], batch: 2, threads: 3).images == together.images)
    let report = together.report
    #expect(report.cacheBytesPeak <= report.cacheBytesPlanned)
    #expect(report.cacheBytesPeak * 2 < report.cacheBytesFull)
    let policy = try choice.policy(
      for: ImageModel.bundled().gpt.configuration.sequenceShape)
    #expect(report.steadyRowsPeak <= (32 + policy.slack) * 36 && report.steadyRowsPeak > 0)
    #expect((report.profilingRowsPeak > 0) == !policy.budgeter.revisions.isEmpty)
  }

  /// The same for rows of every type: what is stored depends on its own sequence alone.
  @Test(arguments: [CacheElement.f16, .bf16, .int8], ["auto", "merge", "rkv", "headkv"])
  func everyTypeIsTheSameInAnyBatch(element: CacheElement, name: String) throws {
    for branches in GuidanceBranches.allCases {
      let choice = PolicyChoice(
        name, budget: .share(1.0 / 8), branches: branches, element: element)
      let together = try tokens(choice, [1, 5, 8])
      #expect(try tokens(choice, [1, 5, 8], batch: 1, threads: 1).images == together.images)
      #expect(try tokens(choice, [1, 5, 8], batch: 2, threads: 3).images == together.images)
      #expect(together.report.cacheBytesPeak <= together.report.cacheBytesPlanned)
    }
  }

  /// A whole budget is the full cache of that type, and takes its share of the memory.
  @Test(arguments: [(CacheElement.f16, 0.53), (.bf16, 0.53), (.int8, 0.33)])
  func aWholeBudgetOfEveryType(element: CacheElement, share: Double) throws {
    let exact = try tokens(PolicyChoice("full")).report.cacheBytesFull
    let full = try tokens(PolicyChoice("full", element: element))
    for name in policies {
      let whole = try tokens(PolicyChoice(name, budget: .share(1), element: element))
      #expect(whole.images == full.images)
      #expect(whole.report.cacheBytesPeak == full.report.cacheBytesFull)
    }
    #expect(abs(Double(full.report.cacheBytesFull) / Double(exact) - share) < 0.01)
  }

  /// Both branches of a picture keep the same tokens in the same slots, until one ends.
  @Test(arguments: policies) func sharedBranchesKeepTheSameTokens(name: String) throws {
    let recorders = [Recorder(), Recorder()]
    _ = try tokens(
      PolicyChoice(name, budget: .share(1.0 / 8), branches: .shared), interval: 200
    ) { _, branch in [recorders[branch == .conditional ? 0 : 1]] }
    let kept = recorders.map { $0.kept.withLock { $0 } }
    // The step of the prefix, and one for each token that is fed.
    #expect(kept[0].count == 256 && kept[1].count == 202)
    #expect(Array(kept[0].prefix(202)) == kept[1])
  }

  /// Several policies beside one full run give what each gives alone.
  @Test func evaluationOfSeveralPolicies() throws {
    let model = try ImageModel.bundled().gpt
    let set = try TokenSet(reading: BundledFiles.path("eval.safetensors"))
    let choices = ["window", "headkv", "merge", "snapkv"].map {
      PolicyChoice($0, budget: .share(1.0 / 6))
    }
    let together = try Evaluator(gpt: model, policies: choices).evaluateAll(set, limit: 3)
    #expect(together.map(\.policy) == choices)
    for (choice, found) in zip(choices, together) {
      let alone = try Evaluator(gpt: model, policies: [choice]).evaluate(set, limit: 3)
      #expect(alone.losses == found.losses && alone.fullLosses == found.fullLosses)
      #expect(alone.report.meanKL == found.report.meanKL)
      #expect(found.report.budgetRows <= 43 * 36)
      #expect(found.report.steadyRowsPeak >= found.report.budgetRows)
      #expect(found.report.cacheBytes <= found.report.cacheBytesPlanned)
    }
  }

  /// What the heads of the second and third row look at tells what they look at in the second half
  /// of the picture.
  @Test func earlyProfilesTellLateOnes() throws {
    let model = try ImageModel.bundled().gpt
    let set = try TokenSet(reading: BundledFiles.path("eval.safetensors"))
    let shape = model.configuration.sequenceShape
    var entropy = 0.0
    let count = 6
    for picture in 0..<count {
      let early = HeadProfiler(shape, tokens: 16..<48)
      let late = HeadProfiler(shape, tokens: 128..<255)
      let engine = DecodeEngine(model: model, sequences: 1, threads: 2)
      try engine.begin(
        0, condition: .category(set.classes[picture]), observers: [early, late])
      for token in 0..<255 {
        engine.step([
          StepRow(
            sequence: 0, token: set.tokens[picture][token], position: Int32(token))
        ])
      }
      entropy += try ProfileAgreement(
        early: early.profile(), late: late.profile(), window: 32
      ).entropy
    }
    #expect(entropy / Double(count) > 0.95)
  }
}

/// Remembers the positions that every head keeps after each step.
private final class Recorder: CacheObserver {
  let kept = Mutex<[[[Int32]]]>([])

  func stepped(_ session: CacheSession) {
    let shape = session.shape
    var heads: [[Int32]] = []
    for layer in 0..<shape.layers {
      for head in 0..<shape.heads {
        heads.append(
          (0..<session.count(layer: layer, head: head)).map {
            session.row(layer: layer, head: head, slot: $0).position
          })
      }
    }
    kept.withLock { $0.append(heads) }
  }
}
