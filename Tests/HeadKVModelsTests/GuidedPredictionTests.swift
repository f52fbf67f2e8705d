import HeadKVModels
import HeadKVTestSupport
import Testing

@Suite struct GuidedPredictionTests {
  private static let scale: Float = 3.5

  /// Logits of a sequence, which are asked for `rows` rows.
  private func logits(_ engine: DecodeEngine, _ sequence: Int, rows: Int = 1) -> [[Float]] {
    (0..<rows).map { row in
      engine.withLogits(sequence, row: row) { found in found.indices.map { found[$0] } }
    }
  }

  /// The guided engine's logits are those of an engine that is not, mixed.
  private func expectMixed(
    _ guided: DecodeEngine, _ plain: DecodeEngine, pictures: Int, rows: Int = 1
  ) {
    for picture in 0..<pictures {
      let found = logits(guided, picture, rows: rows).joined()
      let conditional = logits(plain, picture, rows: rows).joined()
      let unconditional = logits(plain, pictures + picture, rows: rows).joined()
      var largest: Float = 0
      for (found, (c, u)) in zip(found, zip(conditional, unconditional)) {
        largest = max(largest, abs(found - (u + Self.scale * (c - u))))
      }
      #expect(largest < 1e-4)
    }
  }

  /// Mixing what goes into the output head is mixing what comes out of it, in any order in which
  /// the branches step, and with several rows each.
  @Test(arguments: [[0, 1, 2, 3, 4, 5], [2, 0, 3, 1, 5, 4], [0, 3, 2, 5, 1, 4]], [1, 2])
  func classes(order: [Int], rows: Int) throws {
    let model = try Golden("c2i-tiny").model
    let (pictures, none) = (3, model.configuration.classCount)
    let engines = (0..<2).map { _ in
      DecodeEngine(model: model, sequences: 2 * pictures, threads: 2, rowsPerStep: rows)
    }
    let guidance = Guidance(scale: Self.scale, pictures: pictures)
    let starts = (0..<2 * pictures).map {
      SequenceStart($0, condition: .category($0 < pictures ? 2 * $0 : none))
    }
    try engines[0].begin(starts, guidance: guidance)
    try engines[1].begin(starts)
    expectMixed(engines[0], engines[1], pictures: pictures)
    for step in 0..<5 {
      let fed = order.flatMap { sequence in
        (0..<rows).map { row in
          let position = step * rows + row
          let token = (11 * position + 5 * (sequence % pictures)) % model.configuration.vocabulary
          return StepRow(sequence: sequence, token: Int32(token), position: Int32(position))
        }
      }
      engines[0].step(fed, guidance: guidance)
      engines[1].step(fed)
      expectMixed(engines[0], engines[1], pictures: pictures, rows: rows)
    }
  }

  /// Captions begin one by one; a sequence that began before keeps its logits.
  @Test func captions() throws {
    let golden = try Golden("t2i-tiny")
    let model = golden.model
    let (guided, plain) = (
      DecodeEngine(model: model, sequences: 5, threads: 2),
      DecodeEngine(model: model, sequences: 5, threads: 2)
    )
    let starts = try (0..<4).map { sequence in
      SequenceStart(
        sequence,
        condition: sequence < 2
          ? .caption(try golden.caption(sequence)) : Condition.caption(try golden.caption(0)).null(classes: 0))
    }
    try guided.begin(4, condition: .caption(golden.caption(1)))
    let before = logits(guided, 4)
    try guided.begin(starts, guidance: Guidance(scale: Self.scale, pictures: 2))
    try plain.begin(starts)
    expectMixed(guided, plain, pictures: 2)
    #expect(logits(guided, 4) == before)
    #expect(before == logits(plain, 1))
  }
}
