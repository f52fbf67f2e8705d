import ArgumentParser
import Foundation
import HeadKV
import HeadKVBench
import HeadKVMath

/// What both commands take.
struct BenchOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Published sizes: a list of B, L, XL, XXL, XXXL, 1B, 3B, 7B.", valueName: "list"),
    completion: .list(["B", "L", "XL", "XXL", "XXXL", "1B", "3B", "7B"]))
  var shape = "B"

  @Option(
    help: ArgumentHelp(
      "Guided images at a time, two sequences each: a list.", valueName: "list"))
  var batch = "1,4"

  @Option(help: ArgumentHelp("Sides of the token grid: a list.", valueName: "list"))
  var grid = "16"

  @Option(
    help: ArgumentHelp(
      "Types of the weights: a list of auto (f32 in place), f32, bf16, bf12, int8.",
      valueName: "list"),
    completion: .list(WeightPrecision.allCases.map(\.rawValue)))
  var precision = "bf16"

  @Option(
    help: ArgumentHelp(
      "Cache policies: a list of names that `headkv-run policies` gives.", valueName: "list"),
    completion: .list(PolicyCatalog.all.map(\.name)))
  var policy = "full,auto"

  @Option(
    help: ArgumentHelp(
      "Cache budgets: a list of shares (1/6, 17%), rows of a head (43rows) and bytes (64MiB); "
        + "full has only 1.", valueName: "list"),
    completion: .list(["1/4", "1/6", "1/10", "1/16"]))
  var budget = "1/6"

  @Option(
    help: ArgumentHelp(
      "Types of the cached rows: a list of f32, f16, bf16, int8.", valueName: "list"),
    completion: .list(CacheElement.allCases.map(\.rawValue)))
  var kvType = "f32"

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp("Rounds that count.", valueName: "number"))
  var rounds = 3

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp(
      "Threads to work with. (default: one a processor)", valueName: "number"))
  var threads: Int?

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp(
      "Where tables go: a list of md, json, csv (printed) and of files with such a suffix.",
      valueName: "list"),
    completion: .file(extensions: ["md", "json", "csv"]))
  var output = "md"

  @Flag(name: .shortAndLong, help: "Say nothing on standard error.")
  var quiet = false

  struct Lists {
    let shapes: [GPTPreset]
    let batches: [Int]
    let grids: [Int]
    let precisions: [WeightPrecision]
    let policies: [String]
    let budgets: [BudgetText]
    let elements: [CacheElement]
    let outputs: [TableOutput]
  }

  func validate() throws {
    guard (1...1000).contains(rounds) else {
      throw ValidationError("--rounds is \(rounds), not 1 to 1000")
    }
    if let threads, !WorkerPool.threadCounts.contains(threads) {
      throw ValidationError("--threads is \(threads), not 1 to 1024")
    }
    _ = try lists()
  }

  /// The lists; all that is wrong with them is named at once.
  func lists() throws -> Lists {
    var problems: [String] = []
    func take<Value>(_ list: () throws -> [Value]) -> [Value] {
      do { return try list() } catch {
        problems.append("\(error)")
        return []
      }
    }
    let lists = Lists(
      shapes: take { try BenchList(shapes: shape).values },
      batches: take { try BenchList(integers: batch, option: "--batch", in: 1...1024).values },
      grids: take { try BenchList(integers: grid, option: "--grid", in: 2...128).values },
      precisions: take { try BenchList(named: precision, option: "--precision").values },
      policies: take { try BenchList(policies: policy).values },
      budgets: take { try BenchList(budgets: budget).values },
      elements: take { try BenchList(named: kvType, option: "--kv-type").values },
      outputs: take { try TableOutput.list(output) })
    for case let folder? in lists.outputs.map(\.missingFolder) {
      problems.append("-o: there is no folder \(folder)")
    }
    guard problems.isEmpty else { throw ValidationError(problems.joined(separator: "\n")) }
    return lists
  }

  var pool: WorkerPool { WorkerPool(threads: threads ?? WorkerPool.availableProcessors) }

  func progress(_ text: String) {
    guard !quiet else { return }
    let isTerminal = isatty(STDERR_FILENO) == 1
    FileHandle.standardError.write(Data((isTerminal ? "\r\u{1B}[K" + text : text + "\n").utf8))
  }

  func write(_ table: ResultTable) throws {
    if !quiet && isatty(STDERR_FILENO) == 1 {
      FileHandle.standardError.write(Data("\r\u{1B}[K".utf8))
    }
    for output in try lists().outputs { try output.write(table) { print($0) } }
  }
}
