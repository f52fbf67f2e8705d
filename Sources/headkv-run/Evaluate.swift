import ArgumentParser
import Foundation
import HeadKV

struct Evaluate: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Measure what a cache policy costs in prediction.",
    discussion: """
      Feeds known tokens to the model (teacher forcing) and compares its predictions with those of \
      the full cache: loss in nats a token, and how often both find the same token likeliest.
      """)

  @OptionGroup(title: "Model options") var model: ModelOptions
  @OptionGroup(title: "Cache options") var cache: CacheOptions
  @OptionGroup(title: "Run options") var common: CommonOptions

  @OptionGroup var evaluation: EvaluationOptions

  @Option(
    help: ArgumentHelp(
      "Write the loss of each token: safetensors with nll and nll_full [N,T].",
      valueName: "file"),
    completion: .safetensors)
  var perToken: String?

  func run() throws {
    if let perToken { try OutputPaths.checkDirectory(of: perToken) }
    let choice = try cache.choice()
    let gpt = try model.load(needsTokenizer: false).gpt
    let set = try evaluation.known.load()
    let evaluator = Evaluator(
      gpt: gpt, policies: [choice], guidanceScale: evaluation.cfgScale,
      threads: common.threadCount, batch: evaluation.batch)
    let progress = ProgressLine(quiet: common.quiet)
    let result = try evaluator.evaluate(set, limit: evaluation.limit) { done, total in
      progress.update(done, of: total, unit: "pictures")
      return !Interrupt.isRequested
    }
    if let perToken {
      let length = result.losses[0].count
      try SafetensorsWriter.write(
        [
          .f32("nll", [result.losses.count, length], result.losses.flatMap { $0 }),
          .f32("nll_full", [result.losses.count, length], result.fullLosses.flatMap { $0 }),
        ], to: perToken)
    }
    let report = result.report
    if common.json {
      try Output.json(
        Answer(
          report, policy: choice.name, cfgScale: evaluation.cfgScale, budget: cache.kvBudget, type: cache.rows.element))
    }
    Output.text(
      """
      \(report.sequences) pictures of \(report.tokensPerSequence) tokens\(evaluation.guidance), \(choice.summary)
      """
        + String(
          format: """

            loss: %.4f nats a token with the full cache, %.4f under the policy: %+.4f (s.e. %.4f)
            top-1 agreement %.2f %%, mean KL %.4f nats
            rows a head: %.1f on average, %d at most; rows of all heads: %@%d at most
            cache of a sequence: %@ of %@ planned, in full %@
            """, report.nllFull, report.nll, report.delta, report.deltaStandardError,
          report.top1Agreement * 100, report.meanKL, report.meanRowsPerHead,
          report.peakRowsPerHead,
          report.profilingRowsPeak > 0 ? "\(report.profilingRowsPeak) while profiling, then " : "",
          report.steadyRowsPeak, Output.bytes(report.cacheBytes),
          Output.bytes(report.cacheBytesPlanned), Output.bytes(report.cacheBytesFull)), json: common.json, quiet: common.quiet)
  }
}

private struct Answer: Encodable {
  let policy: String
  let cfg_scale: Float
  let budget: String?
  let type: CacheElement
  let sequences: Int
  let nll_full: Double
  let nll: Double
  let delta: Double
  let delta_se: Double
  let top1_agreement: Double
  let mean_kl: Double
  let rows_per_head_mean: Double
  let rows_per_head_peak: Int
  let rows_profiling_peak: Int
  let rows_steady_peak: Int
  let rows_budget: Int
  let cache_bytes: Int
  let cache_bytes_planned: Int
  let cache_bytes_full: Int
  let seconds: Double

  init(
    _ report: EvaluationReport, policy: String, cfgScale: Float, budget: String?,
    type: CacheElement
  ) {
    self.policy = policy
    cfg_scale = cfgScale
    self.budget = budget
    self.type = type
    sequences = report.sequences
    nll_full = report.nllFull
    nll = report.nll
    delta = report.delta
    delta_se = report.deltaStandardError
    top1_agreement = report.top1Agreement
    mean_kl = report.meanKL
    rows_per_head_mean = report.meanRowsPerHead
    rows_per_head_peak = report.peakRowsPerHead
    rows_profiling_peak = report.profilingRowsPeak
    rows_steady_peak = report.steadyRowsPeak
    rows_budget = report.budgetRows
    cache_bytes = report.cacheBytes
    cache_bytes_planned = report.cacheBytesPlanned
    cache_bytes_full = report.cacheBytesFull
    seconds = report.seconds
  }
}
