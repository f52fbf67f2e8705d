import HeadKV
import HeadKVTestSupport
import Testing

@Suite struct AutoTests {
  private func deltas(
    _ choices: [PolicyChoice], _ gpt: GPT, _ set: TokenSet, limit: Int
  ) throws -> [EvaluationReport] {
    try Evaluator(gpt: gpt, policies: choices).evaluateAll(set, limit: limit).map(\.report)
  }

  private static func auto(_ share: Double, strict: Bool = false) -> PolicyChoice {
    PolicyChoice("auto", budget: .share(share), options: strict ? ["cap": "strict"] : [:])
  }

  /// Loses a small part of what dropping loses, in the same live rows.
  @Test func losesLittle() throws {
    let set = try TokenSet(reading: BundledFiles.path("eval.safetensors"))
    let reports = try deltas(
      [
        Self.auto(1.0 / 6), Self.auto(1.0 / 10), Self.auto(1.0 / 16),
        PolicyChoice("window", budget: .share(1.0 / 6)),
        PolicyChoice("window", budget: .share(1.0 / 10)),
      ], ImageModel.bundled().gpt, set, limit: 24)
    for (report, rows) in zip(reports, [43, 26, 16]) {
      #expect(report.steadyRowsPeak == rows * 36)
      // Three rows of the grid for each head.
      #expect(report.profilingRowsPeak <= 48 * 36)
    }
    #expect(reports[0].delta < reports[3].delta / 6)
    #expect(reports[1].delta < reports[4].delta / 6)
    #expect(reports[2].delta < 0.06)
  }

  @Test func strictHoldsTheBudgetFromTheStart() throws {
    let set = try TokenSet(reading: BundledFiles.path("eval.safetensors"))
    let reports = try deltas(
      [
        Self.auto(1.0 / 6, strict: true), Self.auto(1.0 / 10, strict: true),
        Self.auto(1.0 / 16, strict: true),
      ], ImageModel.bundled().gpt, set, limit: 16)
    for (report, rows) in zip(reports, [43, 26, 16]) {
      #expect(max(report.profilingRowsPeak, report.steadyRowsPeak) <= rows * 36)
    }
    #expect(reports[0].delta < 0.01 && reports[1].delta < 0.04 && reports[2].delta < 0.2)
  }

  /// The figures that are promised, where the files are at hand.
  @Test(.enabled(if: SharedFiles.exist)) func promisedFigures() throws {
    let folder = SharedFiles.path("models/c10/")
    let reports = try deltas(
      [Self.auto(1.0 / 6), Self.auto(1.0 / 10), Self.auto(1.0 / 16)],
      ImageModel(gpt: folder + "gpt.safetensors").gpt,
      TokenSet(reading: folder + "eval.safetensors"), limit: 64)
    #expect(reports[0].delta < 0.007 && reports[1].delta < 0.018 && reports[2].delta < 0.12)
  }
}
