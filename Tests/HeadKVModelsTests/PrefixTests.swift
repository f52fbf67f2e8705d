import HeadKVCache
import HeadKVMath
import HeadKVModels
import HeadKVTestSupport
import Testing

@Suite struct PrefixTests {
  /// One folded row predicts what a row for each caption token predicts, in a smaller cache.
  @Test func foldedEqualsUnfolded() throws {
    let golden = try Golden("t2i-tiny")
    let tokens = try golden.integers("tokens")
    let pool = WorkerPool(threads: 1)
    let folded = DecodeEngine(model: golden.model, sequences: 1, pool: pool)
    let plain = DecodeEngine(
      model: golden.model, sequences: 1, pool: pool, foldPrefix: false)
    for index in 0..<2 {
      let caption = try golden.caption(index)
      let row = Array(tokens[index * 36..<(index + 1) * 36])
      for condition in [Condition.caption(caption), .nullCaption(tokens: caption.valid)] {
        let a = try teacherForced(folded, condition, row)
        let b = try teacherForced(plain, condition, row)
        #expect(largestDifference(a, b.flatMap { $0 }[...]) < 2e-5)
        #expect(folded.liveRows(0) == 2 * 4 * 36)
        #expect(plain.liveRows(0) == 2 * 4 * (35 + caption.valid.count))
      }
    }
    #expect(folded.cacheBytes < plain.cacheBytes)
  }

  @Test func captionsAreChecked() throws {
    #expect(throws: ModelError.self) { try Caption(features: [1], dimension: 1, mask: [0]) }
    #expect(throws: ModelError.self) { try Caption(features: [1, 2], dimension: 1, mask: [1]) }
    #expect(throws: ModelError.self) {
      try Caption(features: [1, 2, 3], dimension: 1, mask: [1, 0, 1])
    }
    #expect(throws: ModelError.self) { try Caption(features: [.nan], dimension: 1, mask: [1]) }
    let moved = try Caption(features: [1, 2, 3], dimension: 1, mask: [1, 1, 0])
    #expect(moved.valid == 1..<3 && moved.features == [0, 1, 2])
  }
}
