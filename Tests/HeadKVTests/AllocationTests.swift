import CAllocationCounter
import HeadKVTestSupport
import Testing

import HeadKV

@Suite struct AllocationTests {
  @Test(.enabled(if: headkv_thread_allocations() >= 0)) func counterCounts() {
    let before = headkv_thread_allocations()
    let array = [Int](repeating: Int(before), count: 1000)
    #expect(array.count == 1000 && headkv_thread_allocations() > before)
  }

  /// Drawing tokens allocates nothing, under guidance, a policy that evicts, and two threads.
  @Test(arguments: ["full", "window"], [1, 2]) func tokenLoop(policy: String, threads: Int) throws {
    let model = try ImageModel.bundled().gpt
    let budget: CacheBudget? = policy == "full" ? nil : .rows(20)
    let options = try GenerationOptions(
      guidanceScale: 2.5, topK: 200, topP: 0.9, policy: policy, budget: budget, threads: threads)
    let engine = DecodeEngine(
      model: model,
      policy: try PolicyCatalog.make(
        policy, budget: budget, shape: model.configuration.sequenceShape),
      sequences: 4, threads: threads)
    for index in 0..<4 { try engine.begin(index, condition: .category(index < 2 ? index : 10)) }
    var loop = TokenLoop(options: options, images: 2, firstImage: 0, length: 256, vocabulary: 512)
    var counted = 0
    for token in 0..<80 {
      let before = headkv_thread_allocations()
      loop.pick(token, engine, guided: true)
      loop.feed(token, engine, guided: true)
      if token >= 2 { counted += headkv_thread_allocations() - before }
    }
    #expect(counted == 0)
  }
}
