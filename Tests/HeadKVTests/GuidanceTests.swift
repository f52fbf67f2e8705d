import HeadKV
import HeadKVTestSupport
import Testing

@Suite struct GuidanceTests {
  private func greedy(
    _ model: GPT, _ conditions: [Condition], scale: Float, interval: Int = -1
  ) throws -> [[Int]] {
    let options = try GenerationOptions(
      guidanceScale: scale, guidanceInterval: interval, greedy: true, threads: 2)
    return try Generator(gpt: model, options: options).generate(conditions: conditions)
      .images.map { $0.tokens.map(Int.init) }
  }

  @Test(arguments: ["c2i-tiny", "c2i-head100"], [1, 4]) func classes(
    folder: String, scale: Int
  ) throws {
    let golden = try Golden(folder)
    let conditions = try golden.integers("greedy_classes").map { Condition.category($0) }
    let tokens = try greedy(golden.model, conditions, scale: Float(scale))
    #expect(try tokens.flatMap { $0 } == golden.integers("greedy_cfg\(scale)"))
  }

  @Test func captions() throws {
    let golden = try Golden("t2i-tiny")
    let conditions = try (0..<2).map { Condition.caption(try golden.caption($0)) }
    let tokens = try greedy(golden.model, conditions, scale: 3)
    #expect(try tokens.flatMap { $0 } == golden.integers("greedy_cfg3"))
  }

  /// Dropping the unconditional branch behind the interval changes no token: the reference here
  /// runs both branches to the end.
  @Test(arguments: [-1, 0, 1, 20, 62]) func droppedBranch(interval: Int) throws {
    let model = try Golden("c2i-tiny").model
    let engine = DecodeEngine(model: model, sequences: 2, threads: 1)
    try engine.begin(0, condition: .category(3))
    try engine.begin(1, condition: .category(model.configuration.classCount))
    var expected: [Int] = []
    for index in 0..<64 {
      let guided = index == 0 || interval < 0 || index - 1 <= interval
      let logits = engine.withLogits(0) { conditional in
        engine.withLogits(1) { unconditional in
          (0..<conditional.count).map { code in
            guided
              ? unconditional[code] + 4 * (conditional[code] - unconditional[code])
              : conditional[code]
          }
        }
      }
      let token = logits.indices.max { logits[$0] < logits[$1] }!
      expected.append(token)
      if index == 63 { break }
      engine.step(
        (0..<2).map {
          StepRow(sequence: $0, token: Int32(token), position: Int32(index))
        })
    }
    #expect(try greedy(model, [.category(3)], scale: 4, interval: interval) == [expected])
  }
}
