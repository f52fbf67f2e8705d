import ArgumentParser
import Foundation
import HeadKV
import HeadKVReport

struct Compare: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Compare cache policies on the same tokens.",
    discussion: """
      Gives a table and a chart of loss against memory. Lists are separated by commas; every \
      policy meets every budget.
      """)

  @OptionGroup(title: "Model options") var model: ModelOptions
  @OptionGroup(title: "Cache options") var rows: RowOptions
  @OptionGroup(title: "Run options") var common: CommonOptions

  @Option(
    help: ArgumentHelp(
      "Policies: a list, each with its options behind colons, as in "
        + "merge:budgets=entropy:window=0.6; strict stands for auto:cap=strict.",
      valueName: "list"),
    completion: .policies)
  var kvPolicy = "auto,strict,headkv,line,merge,snapkv,adakv,window,h2o"

  @Option(
    help: ArgumentHelp("Budgets: a list of what generate takes.", valueName: "list"),
    completion: .budgets)
  var kvBudget = "1/4,1/6,1/10,1/16"

  @OptionGroup var evaluation: EvaluationOptions

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp("Write the chart: .svg or .png.", valueName: "file"),
    completion: .charts)
  var output: String?

  @Option(name: .shortAndLong, help: "How the table is printed.")
  var format: TableFormat = .text

  @Option(
    help: ArgumentHelp("Write a page with chart and table (HTML).", valueName: "file"),
    completion: .pages)
  var report: String?

  func run() throws {
    if let output { try OutputPaths.checkChart(output) }
    if let report { try OutputPaths.checkDirectory(of: report) }
    let asked = try PolicyList(policies: kvPolicy, budgets: kvBudget, element: rows.element)
    let gpt = try model.load(needsTokenizer: false).gpt
    let shape = gpt.configuration.sequenceShape
    let plans = try asked.entries.map { try $0.choice.policy(for: shape).memory }
    if !common.quiet {
      Output.write(Self.caps(asked, plans, heads: shape.allHeads), to: .standardError)
    }
    let set = try evaluation.known.load()
    let progress = ProgressLine(quiet: common.quiet)
    let results = try Evaluator(
      gpt: gpt, policies: asked.entries.map(\.choice), guidanceScale: evaluation.cfgScale,
      threads: common.threadCount,
      batch: evaluation.batch
    ).evaluateAll(set, limit: evaluation.limit) { done, total in
      progress.update(done, of: total, unit: "pictures")
      return !Interrupt.isRequested
    }
    let lines = zip(asked.entries, results).map {
      ComparisonLine($0.name, $0.budget, rows.element, $1.report, heads: shape.allHeads)
    }
    if common.json || format == .json {
      try Output.json(["policies": lines])
    } else {
      Output.write(format.table([ComparisonLine.columns] + lines.map(\.cells), words: 3), to: .standardOutput)
    }
    let chart = try chart(asked.names, lines, pictures: results[0].report.sequences)
    if let output { try chart.figure.write(to: output) }
    if let report {
      var page = RunReport(title: "Cache policies compared")
      page.settings = [
        ("model", gpt.configuration.summary),
        ("pictures", "\(results[0].report.sequences)"),
        ("kv-type", rows.element.rawValue), ("cfg-scale", "\(evaluation.cfgScale)"),
        ("loss with the full cache", String(format: "%.4f nats a token", results[0].report.nllFull)),
      ]
      page.charts = [chart]
      page.chartTable = (ComparisonLine.columns, lines.map(\.cells))
      try page.page().write(to: report)
    }
  }

  /// What a sequence's cache may take under each choice, said before the run.
  private static func caps(
    _ asked: PolicyList, _ plans: [MemoryPlan], heads: Int
  ) -> String {
    let columns = ["policy", "budget", "rows a head at most", "while profiling", "bytes at most"]
    let rows = zip(asked.entries, plans).map { entry, plan in
      let steady = Double(plan.steadyRows) / Double(heads)
      let profiling = Double(plan.profilingRows) / Double(heads)
      return [
        entry.name, entry.budget, String(format: "%.1f", steady),
        plan.isRevised ? String(format: "%.1f", profiling) : "-", "\(plan.capBytes)",
      ]
    }
    return "caches of a sequence, planned:\n" + TableFormat.text.table([columns] + rows, words: 2) + "\n"
  }

  private func chart(
    _ names: [String], _ lines: [ComparisonLine], pictures: Int
  ) throws -> LossMemoryChart {
    try LossMemoryChart(
      title: "What a smaller cache costs",
      subtitle:
        "Extra loss on \(pictures) held-out pictures\(evaluation.guidance); \(rows.element.rawValue) rows held once budgets are set",
      series: names.map { name in
        LossMemoryChart.Series(
          name: name,
          points: lines.filter { $0.policy == name }.map {
            LossMemoryChart.Point(share: $0.share, loss: $0.delta, error: $0.deltaError)
          }, isEmphasised: name == "auto")
      })
  }
}

/// A line of the comparison.
struct ComparisonLine: Encodable {
  let policy: String
  let budget: String
  let type: CacheElement
  /// Rows a head holds at most, on average over heads: while heads are profiled, and afterwards.
  let rowsProfiling: Double
  let rowsAfter: Double
  /// Of the full cache's bytes, by rows after profiling.
  let share: Double
  /// Bytes that a sequence's cache held at its peak, and the most that was planned.
  let bytesHeld: Int
  let bytesPlanned: Int
  let nll: Double
  let delta: Double
  let deltaError: Double
  let kl: Double
  let top1: Double

  init(
    _ policy: String, _ budget: String, _ type: CacheElement, _ report: EvaluationReport,
    heads: Int
  ) {
    self.policy = policy
    self.budget = budget
    self.type = type
    rowsProfiling = Double(report.profilingRowsPeak) / Double(heads)
    rowsAfter = Double(report.steadyRowsPeak) / Double(heads)
    share = rowsAfter / Double(report.tokensPerSequence)
    bytesHeld = report.cacheBytes
    bytesPlanned = report.cacheBytesPlanned
    nll = report.nll
    delta = report.delta
    deltaError = report.deltaStandardError
    kl = report.meanKL
    top1 = report.top1Agreement
  }

  static let columns = [
    "policy", "budget", "type", "rows a head", "while profiling", "bytes held", "of planned",
    "loss", "more than full",
    "s.e.", "KL", "same best token",
  ]

  var cells: [String] {
    [
      policy, budget, type.rawValue, String(format: "%.1f", rowsAfter),
      rowsProfiling > 0 ? String(format: "%.1f", rowsProfiling) : "-", "\(bytesHeld)",
      "\(bytesPlanned)",
      String(format: "%.4f", nll), String(format: "%+.4f", delta),
      String(format: "%.4f", deltaError), String(format: "%.4f", kl),
      String(format: "%.1f %%", top1 * 100),
    ]
  }
}
