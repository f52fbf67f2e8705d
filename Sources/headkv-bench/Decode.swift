import ArgumentParser
import HeadKVBench
import HeadKVMath

struct Decode: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Time the decode step.",
    discussion: """
      All settings of one shape and grid draw their pictures at the same time, a line each in turn. \
      The time of a step is its median over the rounds, in the mean over the picture; the quartiles \
      are those of the steps of a line. The limit is reading the bytes of weights and live cache: \
      their share of what the machine reads right after each line, in the median over the lines. \
      The peak is the best window of a few milliseconds.
      """)

  @OptionGroup var options: BenchOptions

  @Option(
    help: ArgumentHelp("Steps of a round. (default: the whole picture)", valueName: "number"))
  var steps: Int?

  @Option(
    help: ArgumentHelp(
      "Under full caches, time one line of so many, spread evenly over the picture, and only fill "
        + "the cache on the others.", valueName: "number"))
  var sample = 1

  @Option(
    help: ArgumentHelp("Steps of each setting that do not count.", valueName: "number"))
  var warmup = 4

  func validate() throws {
    if let steps, steps < 1 { throw ValidationError("--steps is \(steps), not 1 or more") }
    guard (0...1000).contains(warmup) else {
      throw ValidationError("--warmup is \(warmup), not 0 to 1000")
    }
    let lists = try options.lists()
    let lines = steps.map { ($0 + lists.grids.min()! - 1) / lists.grids.min()! } ?? lists.grids.min()!
    guard (1...lines).contains(sample) else {
      throw ValidationError("--sample is \(sample), not 1 to \(lines), the lines that are drawn")
    }
    _ = try matrix()
  }

  private func matrix() throws -> DecodeMatrix {
    let lists = try options.lists()
    do {
      return try DecodeMatrix(
        shapes: lists.shapes, grids: lists.grids, precisions: lists.precisions,
        batches: lists.batches, policies: lists.policies, budgets: lists.budgets,
        elements: lists.elements)
    } catch { throw ValidationError("\(error)") }
  }

  func run() throws {
    let pool = options.pool
    let machine = MachineDescription.current(
      threads: pool.threads, version: ToolVersion.number)
    let bench = DecodeBench(
      try matrix(), steps: steps, rounds: options.rounds, warmup: warmup,
      sampling: LineSampling(every: sample))
    let results = try bench.run(
      pool: pool, bandwidth: ReadBandwidth(pool: pool), progress: options.progress)
    try options.write(ResultTable(decode: results, machine: machine))
  }
}
