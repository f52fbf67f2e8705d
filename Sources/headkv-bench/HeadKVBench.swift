import ArgumentParser
import Foundation
import HeadKV
import HeadKVMath

@main
struct HeadKVBench: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "headkv-bench",
    abstract: "Time the decode step on random weights of a published size.",
    discussion: """
      Every combination of images, weights and budget is measured once a round, in turn, so that a \
      change of the machine's speed meets all of them; the table gives the median of the rounds.
      """)

  @Option(help: "Published size: GPT-B, L, XL, XXL, 3B, ...")
  var preset = "GPT-B"

  @Option(help: "Token grid's side.")
  var grid = 16

  @Option(help: "Images at a time, with guidance two sequences each: a list.")
  var images = "1,4"

  @Option(help: "Precisions of the weights: a list of auto (f32 in place), f32, bf16, int8.")
  var precision = "f32,bf16"

  @Option(help: "Cache policies: a list of what --kv-policy takes, but full, which is 100%.")
  var policies = "window"

  @Option(help: "Cache budgets: a list of what --kv-budget takes.")
  var budgets = "100%,1/6"

  @Option(help: "Steps of a round; 0 draws the whole picture.")
  var steps = 0

  @Option(name: .shortAndLong, help: "Rounds.")
  var rounds = 3

  @Option(name: .shortAndLong, help: "Threads. Default: all processors.")
  var threads: Int?

  @Flag(help: "Print JSON.")
  var json = false

  func validate() throws {
    guard GPTPreset.named(preset) != nil else { throw ValidationError("no preset '\(preset)'") }
    guard (2...128).contains(grid) else { throw ValidationError("--grid must be 2 to 128") }
    guard rounds >= 1, steps >= 0 else { throw ValidationError("--rounds and --steps") }
    guard threads.map({ (1...1024).contains($0) }) ?? true else {
      throw ValidationError("--threads must be 1 to 1024")
    }
  }

  func run() throws {
    let pool = WorkerPool(threads: threads ?? WorkerPool.availableProcessors)
    let bandwidth = Bandwidth.measure(pool)
    var results: [DecodeResult] = []
    for precision in try precisions() {
      let shape = GPTConfiguration(
        GPTPreset.named(preset)!, grid: TokenGrid(width: grid, height: grid))
      let model = GPT.random(shape, precision: precision, pool: pool)
      var cases: [DecodeCase] = []
      for count in try numbers(images) {
        for policy in policies.split(separator: ",").map(String.init) {
          for budget in budgets.split(separator: ",").map(String.init) {
            cases.append(
              try DecodeCase(
                model, images: count, policy: policy, budget: budget,
                steps: steps))
          }
        }
      }
      var times = [[Double]](repeating: [], count: cases.count)
      for _ in 0..<rounds {
        for (index, item) in cases.enumerated() { times[index].append(item.run(pool)) }
      }
      for (item, times) in zip(cases, times) {
        results.append(item.result(times, bandwidth: bandwidth))
      }
    }
    try Report(
      preset: preset, grid: grid, threads: pool.threads, instructionSet: Kernels.instructionSet,
      readBandwidth: bandwidth, rounds: rounds, results: results
    ).print(json: json)
  }

  private func precisions() throws -> [WeightPrecision] {
    try precision.split(separator: ",").map { name in
      guard let precision = WeightPrecision(rawValue: String(name)) else {
        throw ValidationError("no precision '\(name)'")
      }
      return precision
    }
  }

  private func numbers(_ text: String) throws -> [Int] {
    try text.split(separator: ",").map { part in
      guard let number = Int(part), (1...1024).contains(number) else {
        throw ValidationError("--images takes numbers from 1 to 1024")
      }
      return number
    }
  }
}
