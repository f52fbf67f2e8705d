extension ResultTable {
  /// The table of timed parts.
  package init(parts results: [PartResult], machine: MachineDescription) {
    func text(_ value: String?) -> Value { value.map { .text($0) } ?? .absent }
    func integer(_ value: Int?) -> Value { value.map { .integer($0) } ?? .absent }
    func number(_ value: Double?) -> Value { value.map { .number($0) } ?? .absent }
    let columns: [(Column, (PartResult) -> Value)] = [
      (Column("part", "part"), { .text($0.label.part) }),
      (Column("shape", "shape"), { text($0.label.shape) }),
      (Column("grid", "grid"), { integer($0.label.grid) }),
      (Column("batch", "images"), { integer($0.label.batch) }),
      (Column("precision", "weights"), { text($0.label.precision) }),
      (Column("kv_type", "type of rows"), { text($0.label.element) }),
      (Column("rows", "rows a head"), { integer($0.label.rows) }),
      (Column("policy", "policy"), { text($0.label.policy) }),
      (Column("budget", "budget"), { text($0.label.budget) }),
      (Column("rounds", "rounds", .hidden), { .integer($0.milliseconds.count) }),
      (Column("ms", "ms", .decimals(3)), { .number($0.median) }),
      (Column("unit", "a"), { .text($0.label.unit) }),
      (
        Column("ms_range", "least-most", .decimals(3)),
        { .list([$0.milliseconds.min() ?? 0, $0.milliseconds.max() ?? 0]) }
      ),
      (Column("bytes_read", "MB read", .megabytes), { integer($0.bytesPerUnit) }),
      (Column("bytes_per_second", "GB/s", .gigabytesPerSecond), { number($0.rate) }),
      (Column("bandwidth_share", "of the limit", .percent), { number($0.bandwidthShare) }),
      (Column("peak_share", "of the peak", .percent), { number($0.peakShare) }),
      (Column("bandwidth", "GB/s", .hidden), { .number($0.bandwidth.sustained) }),
      (Column("bandwidth_peak", "peak GB/s", .hidden), { .number($0.bandwidth.peak) }),
    ]
    self.init(
      results, columns, machine, bandwidth: results.first?.bandwidth ?? Bandwidth())
  }
}
