import Foundation
import HeadKV

/// What a run was and cost, as JSON says it.
struct GenerateSummary: Encodable {
  let images: Int
  let seed: UInt64
  let cfgScale: Float
  let cfgInterval: Int
  let temperature: Float
  let topK: Int
  let topP: Float
  let greedy: Bool
  let kvPolicy: String
  let kvBudget: String?
  let kvType: CacheElement
  let threads: Int
  /// Pictures drawn at the same time.
  let batch: Int
  let precision: String
  let weightBytes: Int
  let cacheBytesFull: Int
  let cacheBytesPeak: Int
  let cacheBytesPlanned: Int
  let profilingRowsPeak: Int
  let steadyRowsPeak: Int
  let rowsPerHeadFull: Int
  let rowsPerHeadPeak: Double
  let tokens: Int
  /// From the start of the process.
  let secondsToFirstToken: Double
  let seconds: Double
  let tokensPerSecond: Double
  let peakMemoryBytes: Int
  let files: [String]
  /// As it was asked for.
  var shard: String?
  /// Pictures that were there already, if they were looked for.
  var skipped: Int?
  /// What the process was to take at most, and by its plan takes at most.
  var memoryLimitBytes: Int?
  var memoryPlannedBytes: Int?
  /// Pictures that were drawn in part and saved.
  var inPart: Int?

  init(
    _ options: GenerationOptions, _ gpt: GPT, _ result: GenerationResult, firstToken: Double,
    files: [String]
  ) {
    let report = result.report
    images = result.images.count
    seed = options.seed
    cfgScale = options.guidanceScale
    cfgInterval = options.guidanceInterval
    temperature = options.sampling.temperature
    topK = options.sampling.topK
    topP = options.sampling.topP
    greedy = options.sampling.greedy
    kvPolicy = options.policy.name
    kvBudget = options.policy.budget?.description
    kvType = options.policy.element ?? .f32
    threads = options.threads
    batch = options.batch
    precision = gpt.precision.rawValue
    weightBytes = gpt.weightBytes
    cacheBytesFull = report.cacheBytesFull
    cacheBytesPeak = report.cacheBytesPeak
    cacheBytesPlanned = report.cacheBytesPlanned
    profilingRowsPeak = report.profilingRowsPeak
    steadyRowsPeak = report.steadyRowsPeak
    rowsPerHeadFull = report.rowsPerHeadFull
    rowsPerHeadPeak = report.rowsPerHeadPeak
    tokens = report.tokens
    secondsToFirstToken = firstToken
    seconds = report.seconds
    tokensPerSecond = report.tokensPerSecond
    peakMemoryBytes = Output.peakMemory
    self.files = files
  }

  /// The same for people.
  var lines: [String] {
    if tokens == 0 { return [nothing] + written }
    return [
      "\(drawn), \(tokens) tokens in "
        + String(format: "%.2f s: %.1f tokens/s", seconds, tokensPerSecond)
        + String(format: ", the first %.2f s after the process started", secondsToFirstToken),
      "cache: \(Output.bytes(cacheBytesFull)) in full, \(Output.bytes(cacheBytesPeak)) held at peak of "
        + "\(Output.bytes(cacheBytesPlanned)) planned; weights \(Output.bytes(weightBytes)) (\(precision)); "
        + "peak memory \(Output.bytes(peakMemoryBytes))",
    ] + (skipped.map { ["\($0) picture\($0 == 1 ? "" : "s") there already"] } ?? []) + written
  }

  private var drawn: String {
    let count = inPart ?? images
    return "\(count) picture\(count == 1 ? "" : "s")" + (inPart == nil ? "" : " in part")
  }

  /// Why no picture was drawn.
  private var nothing: String {
    let part = shard.map { " of shard \($0)" } ?? ""
    return switch skipped ?? 0 {
    case 0: "nothing to draw: there are no pictures\(part)"
    case 1: "nothing left to draw: the one picture\(part) is there"
    case let count: "nothing left to draw: all \(count) pictures\(part) are there"
    }
  }

  /// A line a file; long series as one.
  private var written: [String] {
    guard files.count > 32, let first = files.first, let last = files.last else {
      return files.map { "wrote \($0)" }
    }
    return ["wrote \(files.count) files, \(first) to \(last)"]
  }
}

extension GenerationOptions {
  /// One line on how pictures are drawn.
  var summary: String { "seed \(seed), \(settings), threads \(threads)" }
}

extension GPTConfiguration {
  /// One line on what the model is.
  var summary: String {
    "GPT: \(layers) layers, \(heads) heads of \(headDimension), width \(dimension), grid \(grid.width)x\(grid.height), \(vocabulary) codes, "
      + (classCount > 0 ? "\(classCount) classes" : "captions")
      + String(format: ", %.1f M parameters", Double(parameters) / 1e6)
  }
}
