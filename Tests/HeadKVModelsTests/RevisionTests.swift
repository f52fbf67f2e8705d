import HeadKVCache
import HeadKVModels
import HeadKVTestSupport
import Testing

/// Budgets that several sequences revise at the same step.
@Suite struct RevisionTests {
  private struct Drawn: Equatable {
    var budgets: [[HeadBudget]]
    var liveRows: [Int]
    var logits: [Float]
  }

  /// Four sequences under measured budgets; the second half follows the first if `shares`.
  private func draw(threads: Int, shares: Bool, cap: String) throws -> Drawn {
    let golden = try Golden("c2i-tiny")
    let policy = try PolicyCatalog.make(
      "auto", budget: CacheBudget(parsing: "30%"), options: ["cap": cap],
      shape: golden.model.configuration.sequenceShape)
    let count = 4
    let engine = DecodeEngine(
      model: golden.model, policy: policy, sequences: count, threads: threads)
    for sequence in 0..<count {
      try engine.begin(
        sequence, condition: .category(sequence),
        sharingWith: shares && sequence >= 2 ? sequence - 2 : nil)
    }
    for position in 0..<golden.model.configuration.grid.count - 1 {
      engine.step(
        (0..<count).map {
          StepRow(sequence: $0, token: Int32((position * 5 + $0 * 3) % 16), position: Int32(position))
        })
    }
    return Drawn(
      budgets: (0..<count).map { engine.session($0)!.budgets.values },
      liveRows: (0..<count).map { engine.liveRows($0) },
      logits: (0..<count).flatMap { sequence in
        engine.withLogits(sequence) { row in row.indices.map { row[$0] } }
      })
  }

  /// One after another, heads shared out, and side by side, with more and with fewer sequences than
  /// threads: the same.
  @Test(arguments: [false, true], ["after", "strict"])
  func threadsChangeNothing(shares: Bool, cap: String) throws {
    let alone = try draw(threads: 1, shares: shares, cap: cap)
    for threads in [2, 3, 4, 8] {
      #expect(try draw(threads: threads, shares: shares, cap: cap) == alone, "\(threads) threads")
    }
    // Heads do differ, sequences do, and branches that share plans do not.
    #expect(Set(alone.budgets[0].map(\.rows)).count > 1 && alone.budgets[0] != alone.budgets[1])
    #expect((alone.budgets[2] == alone.budgets[0]) == shares)
  }
}
