import CAllocationCounter
import HeadKVTestSupport
import Testing

import HeadKV
import HeadKVMath

@Suite(
  .enabled(
    if: headkv_thread_allocations() >= 0, "counted on Linux only, and not under a sanitizer"))
struct AllocationTests {
  @Test func counterCounts() {
    let before = headkv_thread_allocations()
    let array = [Int](repeating: Int(before), count: 1000)
    #expect(array.count == 1000 && headkv_thread_allocations() > before)
  }

  /// Drawing tokens allocates nothing, under guidance, any policy, and two threads, but in the step
  /// that revises budgets.
  @Test(arguments: PolicyCatalog.all, [1, 2]) func tokenLoop(
    policy: PolicyDescription, threads: Int
  ) throws {
    for branches in GuidanceBranches.allCases {
      try run(
        PolicyChoice(
          policy.name, budget: policy.name == "full" ? nil : .rows(20), branches: branches), threads)
    }
  }

  /// Nor do rows that are rounded, widened, merged and rounded anew.
  @Test(arguments: [CacheElement.f16, .bf16, .int8], ["full", "auto", "merge", "rkv", "snapkv"])
  func tokenLoopOfEveryType(element: CacheElement, policy: String) throws {
    try run(
      PolicyChoice(policy, budget: policy == "full" ? nil : .rows(20), element: element), 2)
  }

  private func run(_ choice: PolicyChoice, _ threads: Int) throws {
    let model = try ImageModel.bundled().gpt
    let policy = try choice.policy(for: model.configuration.sequenceShape)
    let sampling = try Sampling(topK: 200, topP: 0.9)
    let pool = WorkerPool(threads: threads)
    let engine = DecodeEngine(model: model, policy: policy, sequences: 4, pool: pool)
    var loop = TokenLoop(
      guidanceScale: 2.5,
      pictures: PictureRequest.pictures([.category(0), .category(1)], seed: 0), length: 256,
      vocabulary: 512, pool: pool, sampler: { Sampler(sampling, vocabulary: $0) })
    try loop.begin(
      engine.starts(of: [.category(0), .category(1)], isGuided: true), engine, guided: true)
    var counted = 0
    for token in 0..<80 {
      let before = headkv_thread_allocations()
      loop.pick(token, engine)
      loop.feed(token, engine, guided: true)
      let isRevision = policy.budgeter.revisions.contains(token + 1)
      if token >= 2 && !isRevision { counted += headkv_thread_allocations() - before }
    }
    #expect(counted == 0)
  }
}
