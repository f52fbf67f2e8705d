import ArgumentParser
import HeadKVBench
import HeadKVMath

struct Parts: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Time the parts of the work one by one.",
    discussion: """
      projections: the products of a layer. attention: over full caches and over each budget. head: \
      the output head. sampling: top-k 2000 of 16384 and the draw. eviction: a policy's work in a \
      step beside attention ('full' only appends). vq: a tokenizer of VQ-16's size decodes 256 x 256 \
      pixels. load: opening and packing a model that is in the system's file cache.
      """)

  @OptionGroup var options: BenchOptions

  @Option(
    help: ArgumentHelp(
      "Parts: a list of projections, attention, head, sampling, eviction, vq, load.",
      valueName: "list"),
    completion: .list(PartsBench.Kind.allCases.map(\.rawValue)))
  var only = PartsBench.Kind.allCases.map(\.rawValue).joined(separator: ",")

  @Option(help: ArgumentHelp("Rounds that do not count.", valueName: "number"))
  var warmup = 1

  func validate() throws {
    guard (0...1000).contains(warmup) else {
      throw ValidationError("--warmup is \(warmup), not 0 to 1000")
    }
    _ = try bench()
  }

  private func bench() throws -> PartsBench {
    let lists = try options.lists()
    do {
      let kinds = try BenchList<PartsBench.Kind>(named: only, option: "--only").values
      if kinds.contains(.eviction) || kinds.contains(.attention) {
        _ = try DecodeMatrix(
          shapes: lists.shapes, grids: lists.grids, precisions: [.auto], batches: lists.batches,
          policies: lists.policies, budgets: lists.budgets, elements: lists.elements)
      }
      return PartsBench(
        kinds: kinds, shapes: lists.shapes, grids: lists.grids, precisions: lists.precisions,
        batches: lists.batches, policies: lists.policies, budgets: lists.budgets,
        elements: lists.elements, rounds: options.rounds, warmup: warmup)
    } catch { throw ValidationError("\(error)") }
  }

  func run() throws {
    let pool = options.pool
    let machine = MachineDescription.current(
      threads: pool.threads, version: ToolVersion.number)
    let results = try bench().run(
      pool: pool, bandwidth: ReadBandwidth(pool: pool), progress: options.progress)
    try options.write(ResultTable(parts: results, machine: machine))
  }
}
