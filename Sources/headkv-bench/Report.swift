import Foundation

/// The table that the benchmark prints.
struct Report: Encodable {
  let preset: String
  let grid: Int
  let threads: Int
  let instructionSet: String
  /// Bytes a second.
  let readBandwidth: Double
  let rounds: Int
  let results: [DecodeResult]

  func print(json: Bool) throws {
    if json {
      let encoder = JSONEncoder()
      encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
      Swift.print(String(decoding: try encoder.encode(self), as: UTF8.self))
      return
    }
    Swift.print(
      "\(preset), grid \(grid)x\(grid), \(threads) threads, \(instructionSet), "
        + String(format: "read bandwidth %.1f GB/s, median of %d rounds", readBandwidth / 1e9, rounds))
    Swift.print("")
    Swift.print(
      "| precision | images | kv-policy | kv-budget | ms a step | min-max | tokens/s | MB read | of bandwidth | cache |")
    Swift.print("|---|---|---|---|---|---|---|---|---|---|")
    for row in results {
      Swift.print(
        String(
          format: "| %@ | %d | %@ | %@ | %.2f | %.2f-%.2f | %.1f | %.0f | %.0f %% | %.1f MiB |",
          row.precision, row.images, row.policy, row.budget, row.milliseconds, row.fastest, row.slowest,
          row.tokensPerSecond, row.megabytesRead, row.bandwidthShare * 100,
          Double(row.cacheBytes) / 1_048_576))
    }
  }
}
