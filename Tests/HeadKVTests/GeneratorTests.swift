import Foundation
import HeadKV
import Testing

@Suite struct PhiloxTests {
  /// The known-answer vectors of the Random123 distribution.
  @Test func knownAnswers() {
    #expect(
      Philox(key: 0).block(SIMD4(0, 0, 0, 0))
        == SIMD4(0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8))
    #expect(
      Philox(key: .max).block(SIMD4(repeating: .max))
        == SIMD4(0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd))
    #expect(
      Philox(key: 0x299f_31d0_a409_3822)
        .block(SIMD4(0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344))
        == SIMD4(0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1))
  }
}

@Suite struct GeneratorTests {
  private func tokens(
    _ classes: [Int], seed: UInt64 = 3, batch: Int = 8, threads: Int = 2, interval: Int = -1,
    policy: String = "full", budget: CacheBudget? = nil
  ) throws -> [[Int32]] {
    let options = try GenerationOptions(
      guidanceScale: 2.5, guidanceInterval: interval, topK: 200, seed: seed, policy: policy,
      budget: budget, threads: threads, batch: batch)
    let generator = try Generator(model: ImageModel.bundled(), options: options)
    return try generator.generate(classes: classes).images.map(\.tokens)
  }

  /// A picture depends on its seed and class alone.
  @Test func batchAndThreadsChangeNothing() throws {
    let together = try tokens([1, 5, 8])
    #expect(try tokens([1, 5, 8], batch: 1, threads: 1) == together)
    #expect(try tokens([1, 5, 8], batch: 2, threads: 3) == together)
    #expect(try tokens([8], seed: 5) == [together[2]])
    #expect(Set(together).count == 3)
  }

  @Test func wholeBudgetIsTheFullCache() throws {
    #expect(try tokens([2], policy: "window", budget: .share(1)) == tokens([2]))
  }

  @Test func decodesToAPicture() throws {
    let model = try ImageModel.bundled()
    let image = try model.image(tokens: tokens([8])[0])
    #expect(image.width == 32 && image.height == 32)
    #expect(Set(image.pixels).count > 20)
    let others = try tokens([1, 2, 3])
    #expect(
      try model.images(tokens: others, threads: 2) == others.map { try model.image(tokens: $0) })
    #expect(throws: GenerationCancelled.self) {
      try model.images(tokens: others, threads: 2) { true }
    }
    #expect(try PNG.decode(PNG.encode(image, text: [("a", "b")]), name: "x") == image)
  }

  @Test func namesAndIndices() throws {
    let model = try ImageModel.bundled()
    #expect(try model.classIndex("ship") == 8)
    #expect(try model.classIndex("3") == 3)
    #expect(throws: OptionError.self) { try model.classIndex("10") }
    #expect(throws: OptionError.self) { try model.classIndex("zebra") }
  }
}
