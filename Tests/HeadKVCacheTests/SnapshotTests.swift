import Foundation
import HeadKVCache
import Testing

/// A session that was saved goes on as if nothing had happened.
@Suite struct SnapshotTests {
  private static let grid = TokenGrid(width: 8, height: 8)
  private static let shape = SequenceShape(
    layers: 2, heads: 3, headDimension: 8, prefixRows: 1, grid: grid)

  /// Draws through a session: what each step gave, by steps that depend on their number alone.
  private func draw(_ session: CacheSession, _ steps: Range<Int>) -> [[Float]] {
    let shape = session.shape
    return steps.map { step in
      let isPrefix = step < shape.prefixRows
      session.startStep(positions: [Int32(step - shape.prefixRows)].span)
      var outputs: [Float] = []
      for layer in 0..<shape.layers {
        var random = SplitMix(state: UInt64(step * 64 + layer))
        func vector() -> [Float] {
          (0..<shape.heads * shape.headDimension).map { _ in .random(in: -2...2, using: &random) }
        }
        let (queries, keys, values) = (vector(), vector(), vector())
        var output = values
        var span = output.mutableSpan
        session.attend(
          layer: layer, queries: queries.span, keys: keys.span, values: values.span, into: &span)
        outputs += output
      }
      session.endStep()
      return isPrefix ? [] : outputs
    }
  }

  private func rows(_ session: CacheSession) -> SnapshotRows { session.snapshot().rows }

  private static let policies: [PolicyChoice] =
    PolicyCatalog.all.map { PolicyChoice($0.name, budget: $0.needsBudget ? .rows(14) : nil) } + [
      PolicyChoice("auto", budget: .rows(14), options: ["cap": "strict"]),
      PolicyChoice("auto", budget: .rows(14), element: .int8),
      PolicyChoice("merge", budget: .rows(14), element: .f16),
      PolicyChoice("headkv", budget: .rows(14), element: .bf16),
      PolicyChoice("line", budget: .rows(14)),
    ]

  /// Whatever the policy, and wherever it is cut: before the heads are profiled, while budgets are
  /// revised, between two updates, at the end.
  @Test(arguments: policies) func goesOnBitForBit(_ choice: PolicyChoice) throws {
    let policy = try choice.policy(for: Self.shape)
    let whole = CacheSession(policy)
    var outputs: [[Float]] = []
    var snapshots: [CacheSnapshot] = []
    for step in 0..<64 {
      snapshots.append(whole.snapshot())
      outputs += draw(whole, step..<step + 1)
    }
    let end = rows(whole)
    for (step, snapshot) in snapshots.enumerated() where step % 7 == 0 || step > 60 {
      let session = try CacheSession(policy, restoring: snapshot)
      #expect(
        session.byteCount >= snapshot.rows.positions.count && session.tokens == max(step - 1, 0))
      #expect(rows(session) == snapshot.rows)
      #expect(draw(session, step..<64) == Array(outputs[step...]), "\(choice.name) from \(step)")
      #expect(rows(session) == end && session.budgets == whole.budgets)
      #expect(session.profile == whole.profile && session.byteCount == whole.byteCount)
    }
  }

  /// A snapshot is a copy: the session goes on without changing it, and it can be used again.
  @Test func isAValue() throws {
    let policy = try PolicyCatalog.make("auto", budget: .rows(14), shape: Self.shape)
    let session = CacheSession(policy)
    _ = draw(session, 0..<30)
    let snapshot = session.snapshot()
    let before = snapshot.rows
    let first = draw(session, 30..<64)
    #expect(snapshot.rows == before && snapshot.tokens == 29 && snapshot.policy == "auto")
    #expect(draw(try CacheSession(policy, restoring: snapshot), 30..<64) == first)
    #expect(draw(try CacheSession(policy, restoring: snapshot), 30..<64) == first)
    // Live rows alone, of what may be much larger.
    #expect(snapshot.liveRows == snapshot.rows.counts.values.reduce(0, +))
    #expect(snapshot.byteCount < policy.memory.fullBytes)
  }

  @Test func refusesAnotherPolicyOrShape() throws {
    let session = CacheSession(
      try PolicyCatalog.make("window", budget: .rows(14), shape: Self.shape))
    _ = draw(session, 0..<40)
    let snapshot = session.snapshot()
    func refused(_ policy: CachePolicy) -> String {
      do {
        _ = try CacheSession(policy, restoring: snapshot)
        return "accepted"
      } catch { return error.name }
    }
    #expect(
      try refused(PolicyCatalog.make("h2o", budget: .rows(14), shape: Self.shape)) == "the policy")
    let half = Self.shape.holding(.f16)
    #expect(
      try refused(PolicyCatalog.make("window", budget: .rows(14), shape: half)) == "the shape")
    // The same policy with a smaller budget has no room for what was kept.
    let small = try PolicyCatalog.make("window", budget: .rows(9), shape: Self.shape)
    #expect(refused(small) == "budgets")
  }

  private func refusal(
    _ snapshot: CacheSnapshot, _ policy: CachePolicy,
    notes: (inout SnapshotNotes) -> Void = { _ in },
    rows: (inout SnapshotRows) -> Void = { _ in },
    watch: (inout WatchSnapshot?) -> Void = { _ in }
  ) -> String {
    var (changedNotes, changedRows, changedWatch) = (snapshot.notes, snapshot.rows, snapshot.watch)
    notes(&changedNotes)
    rows(&changedRows)
    watch(&changedWatch)
    let changed = CacheSnapshot(
      shape: snapshot.shape, notes: changedNotes, rows: changedRows, watch: changedWatch)
    do {
      _ = try CacheSession(policy, restoring: changed)
      return "accepted"
    } catch { return error.name }
  }

  /// Every number that no session could have held is named.
  @Test func refusesWhatCannotBe() throws {
    let policy = try PolicyCatalog.make("auto", budget: .rows(14), shape: Self.shape)
    let session = CacheSession(policy)
    _ = draw(session, 0..<12)
    let early = session.snapshot()
    _ = draw(session, 12..<40)
    let late = session.snapshot()
    #expect(refusal(early, policy) == "accepted" && refusal(late, policy) == "accepted")

    #expect(refusal(late, policy, notes: { $0.tokens = 64 }) == "tokens")
    #expect(refusal(late, policy, notes: { $0.tokens = -1 }) == "tokens")
    #expect(refusal(late, policy, notes: { $0.prefixRows = 0 }) == "prefixRows")
    #expect(refusal(late, policy, notes: { $0.steps = 900 }) == "steps")
    #expect(refusal(late, policy, notes: { $0.updatedAt = 40 }) == "updatedAt")
    #expect(refusal(late, policy, notes: { $0.budgets[1, 2].rows = 65 }) == "a budget")
    #expect(refusal(late, policy, notes: { $0.budgets[1, 2].window = -1 }) == "a window")
    #expect(refusal(late, policy, notes: { $0.budgets[1, 2].rows += 1 }) == "rows of all budgets")
    // Less than the head holds.
    #expect(
      refusal(late, policy, notes: { $0.budgets[0, 0] = HeadBudget(rows: 2, window: 1) })
        == "rows of a head")
    #expect(refusal(late, policy, notes: { $0.curves.append([]) }) == "curves")
    #expect(
      refusal(late, policy, notes: { $0.curves[0][0].error = .nan }) == "error of a curve")
    #expect(
      refusal(
        late, policy,
        notes: { $0.budgets = HeadMap(repeating: $0.budgets[0, 0], layers: 2, heads: 2) })
        == "budgets")
    #expect(refusal(late, policy, rows: { $0.positions[5] = 64 }) == "a position")
    #expect(refusal(late, policy, rows: { $0.positions[0] = 3 }) == "a position")
    #expect(refusal(late, policy, rows: { $0.births[5] = 40 }) == "a birth")
    #expect(refusal(late, policy, rows: { $0.scores[5] = .infinity }) == "a score")
    #expect(refusal(late, policy, rows: { $0.biases[5] = -1 }) == "a bias")
    #expect(refusal(late, policy, rows: { $0.biases[5] = .nan }) == "a bias")
    #expect(
      refusal(
        late, policy,
        rows: {
          $0.keys[7] = 0x7f
          $0.keys[6] = 0x80
        }) == "a key or value")
    #expect(refusal(late, policy, rows: { $0.values.removeLast() }) == "bytes of values")
    #expect(refusal(late, policy, rows: { $0.counts[0, 1] += 1 }) == "bytes of keys")
    #expect(refusal(late, policy, rows: { $0.counts[0, 1] = 0 }) == "rows of a head")
    #expect(
      refusal(late, policy, watch: { $0 = WatchSnapshot(sums: [0], queries: [], births: []) })
        == "sums of a profile")
    #expect(refusal(early, policy, notes: { $0.budgets[0, 0].rows += 1 }) == "budgets")
    #expect(refusal(early, policy, watch: { $0 = nil }) == "sums of a profile")
    #expect(refusal(early, policy, watch: { $0?.queries[3] = 0x7c01 }) == "a query")
    #expect(refusal(early, policy, watch: { $0?.births[0] = 99 }) == "a step of a query")
  }

  /// Whatever passes the checks can be drawn on to the end.
  @Test(arguments: 0..<12) func whatIsAcceptedCanGoOn(seed: Int) throws {
    var random = SplitMix(state: UInt64(seed))
    let choice = Self.policies[seed % Self.policies.count]
    let policy = try choice.policy(for: Self.shape)
    let session = CacheSession(policy)
    let cut = Int.random(in: 1..<60, using: &random)
    _ = draw(session, 0..<cut)
    let snapshot = session.snapshot()
    var accepted = 0
    for _ in 0..<20 {
      var (notes, rows, watch) = (snapshot.notes, snapshot.rows, snapshot.watch)
      for _ in 0..<4 {
        let row = Int.random(in: 0..<rows.positions.count, using: &random)
        let value = Float.random(in: 0...4, using: &random)
        switch Int.random(in: 0..<9, using: &random) {
        case 0: rows.births[row] = .random(in: 0..<max(notes.steps, 1), using: &random)
        case 1: rows.scores[row] = value * 1e30
        case 2: rows.biases[row] = value
        case 3 where rows.positions[row] >= 0:
          rows.positions[row] = .random(in: 0..<64, using: &random)
        case 4: rows.keys[row] = .random(in: 0...255, using: &random)
        case 5:
          let head = (Int.random(in: 0..<2, using: &random), Int.random(in: 0..<3, using: &random))
          notes.budgets[head.0, head.1].rows = .random(in: 2...63, using: &random)
          notes.budgets[head.0, head.1].window = .random(in: 0...63, using: &random)
        case 6: notes.updatedAt = .random(in: 0...notes.tokens, using: &random)
        case 7:
          if let count = watch?.sums.count, count > 0 { watch?.sums[row % count] = value * 1e8 }
        default:
          if let count = watch?.births.count, count > 0 {
            watch?.births[row % count] = .random(in: -1..<max(notes.steps, 1), using: &random)
          }
        }
      }
      let changed = CacheSnapshot(shape: Self.shape, notes: notes, rows: rows, watch: watch)
      guard let restored = try? CacheSession(policy, restoring: changed) else { continue }
      accepted += 1
      _ = draw(restored, cut..<64)
      #expect(restored.tokens == 63 && restored.byteCount <= policy.memory.capBytes)
    }
    #expect(accepted > 0)
  }
}
