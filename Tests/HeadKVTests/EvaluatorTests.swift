import Foundation
import HeadKV
import HeadKVTestSupport
import Testing

@Suite struct EvaluatorTests {
  @Test func bundledModel() throws {
    let model = try ImageModel.bundled()
    let set = try TokenSet(reading: BundledFiles.path("eval.safetensors"))
    #expect(set.tokens.count == 64 && set.classes.count == 64)
    let whole = try Evaluator(gpt: model.gpt, policy: "window", budget: .share(1))
      .evaluate(set, limit: 3).report
    #expect(whole.delta == 0 && whole.meanKL == 0 && whole.top1Agreement == 1)
    #expect(whole.peakRowsPerHead == 256 && whole.cacheBytes == whole.cacheBytesFull)

    let window = try Evaluator(gpt: model.gpt, policy: "window", budget: .share(1 / 6.0), batch: 5)
      .evaluate(set, limit: 8)
    #expect(window.report.peakRowsPerHead == 43)
    #expect(window.report.delta > 0.01 && window.report.delta < 0.15)
    #expect(window.report.nllFull > 2 && window.report.nllFull < 4.5)
    #expect(window.report.cacheBytes * 5 < window.report.cacheBytesFull)
    #expect(window.report.meanKL > 0 && window.report.top1Agreement < 1)
    // The first 43 rows are the full cache's: nothing has left yet.
    for (a, b) in zip(window.losses, window.fullLosses) { #expect(a[..<43] == b[..<43]) }
    let alone = try Evaluator(
      gpt: model.gpt, policy: "window", budget: .share(1 / 6.0), threads: 1, batch: 1
    ).evaluate(set, limit: 8)
    #expect(alone.losses == window.losses)
  }

  /// Guided predictions are compared: those of the full run are an engine's logits, mixed.
  @Test func guidedPredictionsAreMixed() throws {
    let gpt = try ImageModel.bundled().gpt
    let set = try TokenSet(reading: BundledFiles.path("eval.safetensors"))
    let found = try Evaluator(gpt: gpt, policy: "full", guidanceScale: 3, batch: 2)
      .evaluate(set, limit: 3)
    #expect(found.report.delta == 0 && found.report.meanKL == 0)
    let engine = DecodeEngine(model: gpt, sequences: 2, threads: 1)
    try engine.begin(0, condition: .category(set.classes[2]))
    try engine.begin(1, condition: .category(gpt.configuration.classCount))
    for (index, token) in set.tokens[2].enumerated() {
      let loss = engine.withLogits(0) { conditional in
        engine.withLogits(1) { unconditional in
          let mixed = conditional.indices.map {
            Double(unconditional[$0]) + 3 * Double(conditional[$0] - unconditional[$0])
          }
          return log(mixed.reduce(0) { $0 + exp($1) }) - mixed[Int(token)]
        }
      }
      #expect(abs(Double(found.losses[2][index]) - loss) < 1e-4)
      if index == 255 { break }
      engine.step(
        (0..<2).map { StepRow(sequence: $0, token: token, position: Int32(index)) })
    }
    #expect(throws: OptionError.self) {
      try Evaluator(gpt: gpt, guidanceScale: .nan).evaluate(set, limit: 1)
    }
  }

  /// What both branches lack, guidance does not multiply.
  @Test func sharedBranchesLoseLessUnderGuidance() throws {
    let gpt = try ImageModel.bundled().gpt
    let set = try TokenSet(reading: BundledFiles.path("eval.safetensors"))
    let found = try Evaluator(
      gpt: gpt,
      policies: GuidanceBranches.allCases.map {
        PolicyChoice("auto", budget: .share(0.1), branches: $0)
      }, guidanceScale: 4
    ).evaluateAll(set, limit: 16).map(\.report.meanKL)
    // Independent branches come first.
    #expect(found[1] * 2 < found[0])
  }

  @Test func badSetsAreNamed() throws {
    let model = try ImageModel.bundled()
    let path = NSTemporaryDirectory() + "headkv-evaluator-\(getpid()).safetensors"
    defer { try? FileManager.default.removeItem(atPath: path) }
    func write(tokens: [[Int32]], classes: [Int]) throws -> TokenSet {
      try TokenSet.write(tokens: tokens, classes: classes, to: path)
      return try TokenSet(reading: path)
    }
    let row = [Int32](repeating: 1, count: 256)
    let evaluator = Evaluator(gpt: model.gpt)
    let noClasses = try write(tokens: [row], classes: [])
    #expect(throws: OptionError.self) { try evaluator.evaluate(noClasses) }
    let wrongClass = try write(tokens: [row], classes: [10])
    #expect(throws: ModelError.classOutOfRange(10, classes: 10)) {
      try evaluator.evaluate(wrongClass)
    }
    let short = try write(tokens: [[1, 2]], classes: [1])
    #expect(throws: OptionError.self) { try evaluator.evaluate(short) }
    let high = try write(tokens: [row.dropLast() + [512]], classes: [1])
    #expect(throws: ModelError.tokenOutOfRange(512, codes: 512)) { try evaluator.evaluate(high) }
  }

  /// Per-token losses of an independent simulator in PyTorch, where its files are at hand.
  @Test(.enabled(if: SharedFiles.exist), arguments: [("full", "100%"), ("window_1_6", "1/6"), ("window_1_10", "1/10")])
  func independentSimulator(tensor: String, budget: String) throws {
    let folder = SharedFiles.path("models/c10/")
    let model = try ImageModel(gpt: folder + "gpt.safetensors")
    let expected = try TensorCatalog.open(folder + "policy-losses.safetensors")
      .tensor(tensor, shape: [32, 256]).floats()
    let result = try Evaluator(
      gpt: model.gpt, policy: "window", budget: CacheBudget(parsing: budget)
    ).evaluate(TokenSet(reading: folder + "eval.safetensors"), limit: 32)
    let worst = zip(result.losses.joined(), expected).reduce(Float(0)) { max($0, abs($1.0 - $1.1)) }
    #expect(worst < 2e-3)
  }

  /// The same simulator's heavy hitters: ties and rounding may swap rows, the mean may not move.
  @Test(.enabled(if: SharedFiles.exist), arguments: [("h2o_1_6", "1/6"), ("h2o_1_10", "1/10")])
  func heavyHittersOfTheSimulator(tensor: String, budget: String) throws {
    let folder = SharedFiles.path("models/c10/")
    let model = try ImageModel(gpt: folder + "gpt.safetensors")
    let expected = try TensorCatalog.open(folder + "policy-losses.safetensors")
      .tensor(tensor, shape: [32, 256]).floats()
    let result = try Evaluator(gpt: model.gpt, policy: "h2o", budget: CacheBudget(parsing: budget))
      .evaluate(TokenSet(reading: folder + "eval.safetensors"), limit: 32)
    let mean = expected.reduce(0.0) { $0 + Double($1) } / Double(expected.count)
    #expect(abs(result.report.nll - mean) < 1e-3)
  }

  /// Merging old rows loses a fraction of what dropping them loses, in the same memory.
  @Test func mergingBeatsDropping() throws {
    let model = try ImageModel.bundled()
    let set = try TokenSet(reading: BundledFiles.path("eval.safetensors"))
    func report(_ policy: String) throws -> EvaluationReport {
      try Evaluator(gpt: model.gpt, policy: policy, budget: .share(1 / 6.0))
        .evaluate(set, limit: 8).report
    }
    let (merged, dropped) = (try report("merge"), try report("window"))
    #expect(merged.peakRowsPerHead == 43 && merged.cacheBytes == dropped.cacheBytes)
    #expect(merged.delta < dropped.delta / 3)
  }
}

@Suite struct PrecisionTests {
  /// What a smaller precision costs in prediction, on a part of the held-out pictures.
  @Test(arguments: [(WeightPrecision.f32, 1e-5), (.bf16, 0.005), (.bf12, 0.005), (.int8, 0.02)])
  func loss(_ precision: WeightPrecision, _ allowed: Double) throws {
    let set = try TokenSet(reading: BundledFiles.path("eval.safetensors"))
    let exact = try Evaluator(gpt: ImageModel.bundled().gpt).evaluate(set, limit: 8)
    let model = try ImageModel.bundled(precision: precision)
    #expect(model.gpt.precision == precision)
    let found = try Evaluator(gpt: model.gpt).evaluate(set, limit: 8)
    #expect(abs(found.report.nllFull - exact.report.nllFull) < allowed)
    #expect(found.losses != exact.losses)
    // Batch and threads change nothing, to the last bit, in any precision.
    let alone = try Evaluator(gpt: model.gpt, threads: 1, batch: 3).evaluate(set, limit: 8)
    #expect(alone.losses == found.losses)
  }

  /// Twelve bits hold what sixteen do.
  @Test func bf12IsBF16() throws {
    let set = try TokenSet(reading: BundledFiles.path("eval.safetensors"))
    let (long, short) = try (
      ImageModel.bundled(precision: .bf16).gpt, ImageModel.bundled(precision: .bf12).gpt
    )
    #expect(
      try Evaluator(gpt: short).evaluate(set, limit: 8).losses
        == Evaluator(gpt: long).evaluate(set, limit: 8).losses)
    let ratio = Double(short.weightBytesPerStep) / Double(long.weightBytesPerStep)
    #expect(ratio > 0.75 && ratio < 0.78)
  }
}

@Suite struct CacheElementLossTests {
  /// What rounded rows cost in prediction beside the full cache in f32, on all held-out pictures.
  @Test func loss() throws {
    let set = try TokenSet(reading: BundledFiles.path("eval.safetensors"))
    let types = CacheElement.allCases
    let found = try Evaluator(
      gpt: ImageModel.bundled().gpt, policies: types.map { PolicyChoice("full", element: $0) }
    ).evaluateAll(set).map(\.report)
    #expect(found[0].delta == 0 && found[0].meanKL == 0)
    for (report, allowed) in zip(found, [0, 1e-5, 2e-4, 3e-4]) {
      #expect(abs(report.delta) <= allowed && report.meanKL <= allowed)
      #expect(report.top1Agreement > 0.99)
    }
    // Rounding shows, so that the types are what they are called.
    #expect(found[1].meanKL > 0 && found[1].meanKL < found[2].meanKL)
    #expect(found[2].meanKL < found[3].meanKL)
  }

  /// Under a policy that merges, rows are rounded many times: on top of what it costs in f32.
  @Test func lossOfMergedRows() throws {
    let set = try TokenSet(reading: BundledFiles.path("eval.safetensors"))
    let found = try Evaluator(
      gpt: ImageModel.bundled().gpt,
      policies: CacheElement.allCases.map {
        PolicyChoice("auto", budget: .share(1.0 / 6), element: $0)
      }
    ).evaluateAll(set, limit: 16).map(\.report)
    for (report, allowed) in zip(found, [0, 2e-4, 1e-3, 2e-3]) {
      #expect(abs(report.nll - found[0].nll) <= allowed)
      #expect(report.steadyRowsPeak == found[0].steadyRowsPeak)
    }
  }
}
