import HeadKV
import HeadKVBench
import Testing

@Suite struct BenchListTests {
  @Test func readsPartsBetweenCommas() throws {
    #expect(try BenchList(shapes: "B,L, gpt-xl").values.map(\.name) == ["GPT-B", "GPT-L", "GPT-XL"])
    #expect(try BenchList(integers: "1,4,16", option: "--batch", in: 1...1024).values == [1, 4, 16])
    #expect(
      try BenchList<WeightPrecision>(named: "f32,int8", option: "--precision").values
        == [.f32, .int8])
    #expect(try BenchList(budgets: "1,1/6,64MiB").values.map(\.budget) == [
      .share(1), .share(1.0 / 6), .bytes(64 << 20),
    ])
  }

  @Test func namesEveryPartThatMeansNothing() {
    #expect(
      throws: BenchListError(
        option: "--grid", found: ["1", "x", ""], expected: "a number from 2 to 128")
    ) { try BenchList(integers: "1,16,x,", option: "--grid", in: 2...128) }
    let error = #expect(throws: BenchListError.self) { try BenchList(policies: "full,fool,auto") }
    #expect(error?.found == ["fool"] && "\(error!)".contains("'fool' is not one of auto, full"))
    #expect(throws: BenchListError.self) { try BenchList(shapes: "") }
    #expect(throws: BenchListError.self) { try BenchList(budgets: "0,1/6") }
  }
}

@Suite struct DecodeMatrixTests {
  private func matrix(
    shapes: [String] = ["B"], grids: [Int] = [16], precisions: [WeightPrecision] = [.bf16],
    batches: [Int] = [1], policies: [String], budgets: [String]
  ) throws -> DecodeMatrix {
    try DecodeMatrix(
      shapes: shapes.map { GPTPreset.named($0)! }, grids: grids, precisions: precisions,
      batches: batches, policies: policies, budgets: budgets.map { try BudgetText($0) })
  }

  @Test func timesWhatMeansTheSameOnce() throws {
    let settings = try matrix(
      batches: [1, 4, 1], policies: ["full", "auto"], budgets: ["1", "1/6", "100%", "2/12"]
    ).settings
    #expect(settings.map { "\($0.batch) \($0.policy) \($0.budget.text)" } == [
      "1 full 1", "1 auto 1", "1 auto 1/6", "4 full 1", "4 auto 1", "4 auto 1/6",
    ])
  }

  @Test func namesCombinationsWithoutACache() {
    let error = #expect(throws: DecodeMatrixError.self) {
      try matrix(grids: [2, 16], policies: ["full", "window"], budgets: ["1/4"])
    }
    #expect(error?.problems.count == 1 && error!.problems[0].contains("2x2, 1 image, bf16, window 1/4"))
  }

  @Test func groupsByShapeGridAndMemory() throws {
    let matrix = try matrix(
      shapes: ["B", "L"], grids: [16, 24], precisions: [.f32, .bf16], policies: ["full"],
      budgets: [])
    #expect(try matrix.groups(bytes: .max).map(\.count) == [2, 2, 2, 2])
    #expect(try matrix.groups(bytes: 1).map(\.count) == Array(repeating: 1, count: 8))
    // The weights of B take 444 MB in f32 and 248 MB in bf16, embeddings being f32; the full caches
    // of both branches 39 MB.
    #expect(try matrix.groups(bytes: 780_000_000)[0].count == 2)
    #expect(try matrix.groups(bytes: 760_000_000)[0].count == 1)
  }

  @Test func countsWeights() throws {
    let setting = try matrix(precisions: [.f32], policies: ["full"], budgets: []).settings[0]
    #expect(setting.weightBytes == 4 * setting.configuration.parameters)
    #expect(setting.rowBytes == 2 * 64 * 4 && setting.wholePicture == 255)
  }
}
