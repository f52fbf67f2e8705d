import Foundation

extension ResultTable {
  /// The table of timed decode steps.
  package init(decode results: [DecodeResult], machine: MachineDescription) {
    let columns: [(Column, (DecodeResult) -> Value)] = [
      (Column("shape", "shape"), { .text($0.setting.shape.name) }),
      (Column("grid", "grid"), { .integer($0.setting.grid) }),
      (Column("batch", "images"), { .integer($0.setting.batch) }),
      (Column("precision", "weights"), { .text($0.setting.precision.rawValue) }),
      (Column("kv_type", "rows"), { .text($0.setting.element.rawValue) }),
      (Column("policy", "policy"), { .text($0.setting.policy) }),
      (Column("budget", "budget"), { .text($0.setting.budget.text) }),
      (Column("steps", "steps", .hidden), { .integer($0.times.steps) }),
      (Column("rounds", "rounds"), { .integer($0.times.rounds.count) }),
      (Column("ms", "ms a step", .decimals(2)), { .number($0.times.milliseconds) }),
      (
        Column("ms_quartiles", "quartiles", .decimals(2)),
        { .list([$0.times.quantile(0.25), $0.times.quantile(0.75)]) }
      ),
      (Column("ms_median", "median", .hidden), { .number($0.times.quantile(0.5)) }),
      (Column("ms_quarters", "quarters of the picture", .hidden), { .list($0.times.quarters) }),
      (Column("tokens_per_second", "tokens/s", .decimals(1)), { .number($0.tokensPerSecond) }),
      (
        Column("speedup", "over full", .decimals(2)),
        { $0.speedup(among: results).map { .number($0) } ?? .absent }
      ),
      (Column("weight_bytes", "MB of weights", .megabytes), { .integer($0.weightBytes) }),
      (Column("cache_bytes_read", "of cache", .megabytes), { .number($0.cacheBytesRead) }),
      (Column("cache_bytes_held", "cache held, MB", .megabytes), { .integer($0.cacheBytesHeld) }),
      (Column("bandwidth_share", "of the limit", .percent), { .number($0.pairedShare) }),
      (Column("peak_share", "of the peak", .percent), { .number($0.peakShare) }),
      (Column("bandwidth", "GB/s", .hidden), { .number($0.bandwidth.sustained) }),
      (Column("bandwidth_peak", "peak GB/s", .hidden), { .number($0.bandwidth.peak) }),
    ]
    self.init(
      results, columns, machine, bandwidth: results.first?.bandwidth ?? Bandwidth())
  }

  /// A row for each result, and the machine behind it.
  init<Result>(
    _ results: [Result], _ columns: [(Column, (Result) -> Value)], _ machine: MachineDescription,
    bandwidth: Bandwidth
  ) {
    self.init(
      caption: Self.caption(machine, bandwidth),
      columns: columns.map(\.0) + Self.machineColumns,
      rows: results.map { result in
        columns.map { $0.1(result) } + Self.values(of: machine)
      })
  }

  static let machineColumns = [
    Column("cpu", "CPU", .hidden), Column("kernels", "kernels", .hidden),
    Column("threads", "threads", .hidden), Column("load", "load", .hidden),
    Column("commit", "commit", .hidden), Column("date", "date", .hidden),
  ]

  static func values(of machine: MachineDescription) -> [Value] {
    [
      .text(machine.cpu), .text(machine.kernels), .integer(machine.threads),
      .number(machine.load), .text(machine.commit), .text(machine.date),
    ]
  }

  static func caption(_ machine: MachineDescription, _ bandwidth: Bandwidth) -> String {
    "\(machine.cpu), \(machine.threads) threads, \(machine.kernels), \(machine.commit), "
      + "\(machine.date), "
      + String(
        format: "load %.1f before; memory is read at %.1f GB/s, the limit, and at its peak at %.1f",
        machine.load, bandwidth.sustained / 1e9, bandwidth.peak / 1e9)
  }
}
