import HeadKV
import Testing

@Suite struct MemoryFitTests {
  private let shape = SequenceShape(
    layers: 4, heads: 3, headDimension: 16, prefixRows: 1, grid: TokenGrid(width: 12, height: 12))

  private func need() -> MemoryNeed {
    var need = MemoryNeed(weights: 5_000_000, threads: 2)
    need.work = 70_000
    need.pixels = 30_000
    need.decoding = 200_000
    need.tokenizer = 1_000_000
    return need
  }

  private func fit(
    _ limit: Int, _ policy: PolicyChoice = PolicyChoice(), batch: Int = 16,
    weights: [WeightPrecision: Int] = [:]
  ) throws -> MemoryFit {
    try MemoryFit(
      limit: limit, batch: batch, decoders: 4, need: need(), policy: policy, shape: shape,
      sequences: 2, weights: weights)
  }

  private func bytes(_ policy: PolicyChoice, batch: Int) throws -> Int {
    try need().holding(policy.policy(for: shape).memory, sequences: 2).bytes(
      batch: batch, decoders: 1)
  }

  /// One more picture would not fit.
  @Test(arguments: [1, 2, 5, 15, 16]) func theBatchIsTheLargest(_ batch: Int) throws {
    let whole = PolicyChoice("full")
    let exact = try bytes(whole, batch: batch)
    let fit = try fit(exact, whole)
    #expect(fit.batch == batch && fit.policy == whole && fit.bytes <= exact)
    #expect(try self.fit(exact, whole, batch: 3).batch == min(batch, 3))
    if batch > 1 { #expect(try self.fit(exact - 1, whole).batch == batch - 1) }
  }

  /// Without a budget the whole cache is held while it fits; then the most rows that do.
  @Test(arguments: ["auto", "window", "merge", "h2o"]) func theBudgetIsTheLargest(
    _ name: String
  ) throws {
    let ample = try fit(1 << 30, PolicyChoice(name))
    #expect(ample.batch == 16)
    #expect(ample.policy.budget == (name == "auto" ? nil : .rows(shape.fullRows)))
    let limit = try bytes(PolicyChoice("full"), batch: 1) - 250_000
    let tight = try fit(limit, PolicyChoice(name))
    guard case .rows(let rows)? = tight.policy.budget else {
      Issue.record("no budget")
      return
    }
    #expect(tight.batch == 1 && tight.bytes <= limit && rows < shape.fullRows)
    let more = PolicyChoice(name, budget: .rows(rows + 1))
    #expect(try bytes(more, batch: 1) > limit)
  }

  /// Fewer pictures are decoded at a time where only one is drawn.
  @Test func decodersAreLimited() throws {
    var need = need()
    need.decoding = 40_000_000
    let fixed = need.fixed
    func decoders(_ limit: Int) throws -> Int {
      try MemoryFit(
        limit: limit, batch: 1, decoders: 4, need: need, policy: PolicyChoice("full"), shape: shape,
        sequences: 1
      ).decoders
    }
    #expect(try decoders(fixed + 41_000_000) == 1 && decoders(fixed + 121_000_000) == 3)
    #expect(try decoders(1 << 40) == 4)
    need.decodesWhileDrawing = true
    #expect(try decoders(fixed + 121_000_000) == 2)
  }

  /// A budget that was asked for is never changed.
  @Test func aBudgetGivenStays() throws {
    let choice = PolicyChoice("auto", budget: .rows(60))
    let least = try bytes(choice, batch: 1)
    #expect(try fit(least, choice).policy == choice)
    let error = try #require(throws: MemoryFitError.self) { try fit(least - 1, choice) }
    #expect(error.bytes == least && error.limit == least - 1)
    #expect(error.alternatives.map(\.flags).contains("--kv-type int8"))
    #expect(error.alternatives.allSatisfy { $0.bytes < least })
  }

  @Test func whatWouldFitIsSaid() throws {
    let error = try #require(throws: MemoryFitError.self) {
      try fit(1_000_000, PolicyChoice("full"), weights: [.bf16: 2_500_000, .int8: 1_300_000])
    }
    let flags = error.alternatives.map(\.flags)
    #expect(flags.contains("--precision int8") && flags.contains("--kv-policy auto"))
    #expect(error.alternatives.last!.flags.hasPrefix("--precision int8 --kv-type int8"))
    let saved = error.bytes - error.alternatives[0].bytes
    #expect(saved == 3_700_000)
    #expect(error.description.contains("fits in 1.0 MiB") && error.description.contains("weights 4.8 MiB"))
    #expect(throws: PolicyError.unknown("best")) { try fit(1 << 30, PolicyChoice("best")) }
  }

  /// The bound of the weights in another precision is what they then take.
  @Test func weightsOfAnotherPrecision() throws {
    let stored = try ImageModel.bundled().gpt
    for precision in WeightPrecision.allCases {
      let held = try ImageModel.bundled(precision: precision).gpt
      #expect(stored.weightBytes(as: precision) == held.weightBytes, "\(precision)")
      #expect(held.weightBytes(as: .auto) == held.weightBytes)
    }
  }
}
