import ArgumentParser
import HeadKV

/// Pictures that are drawn in part, and gone on with later.
struct StateOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Draw only so many lines of the token grid, for --save.", valueName: "lines"))
  var stopAfter: Int?

  @Option(
    help: ArgumentHelp(
      "With --stop-after: write the pictures so far with their caches, in place of PNGs. "
        + "(safetensors)", valueName: "file"),
    completion: .safetensors)
  var save: String?

  @Option(
    name: .customLong("continue"),
    help: ArgumentHelp(
      "Go on with saved pictures: bit for bit to what they would have become, or with --seed and "
        + "--count to others that begin alike.", valueName: "file"),
    completion: .safetensors)
  var origin: String?

  func validate() throws {
    if (stopAfter == nil) != (save == nil) {
      throw ValidationError("--stop-after and --save go together")
    }
    if let stopAfter, stopAfter < 1 { throw ValidationError("--stop-after must be at least 1") }
  }

  /// - Throws: ``OptionError`` naming a flag that does not go with these.
  func check(
    _ draw: DrawOptions, _ cache: CacheOptions, _ files: GenerateFiles, _ series: SeriesOptions
  ) throws {
    func refuse(_ flags: [String], with flag: String) throws {
      if let name = flags.first { throw OptionError(name, "given", "absent with \(flag)") }
    }
    let limit = series.maxMemory == nil ? [] : ["--max-memory"]
    let report = files.report == nil ? [] : ["--report"]
    if origin != nil {
      try refuse(draw.settled + cache.settled + limit + report, with: "--continue")
    }
    if save != nil {
      let outputs =
        (files.output == nil ? [] : ["-o"]) + (files.tokensOut == nil ? [] : ["--tokens-out"])
      try refuse(outputs + report + limit, with: "--save")
      if let flag = series.needsFiles { try refuse([flag], with: "--save") }
    }
  }
}

extension DrawOptions {
  /// Flags that were given and that saved pictures settle.
  fileprivate var settled: [String] {
    let flags: [(String, Bool)] = [
      ("--class", !classes.isEmpty), ("--captions", captions != nil), ("--like", like != nil),
      ("--cfg-scale", cfgScale != nil), ("--cfg-interval", cfgInterval != nil),
      ("--top-k", topK != nil), ("--top-p", topP != nil), ("--temperature", temperature != nil),
      ("--greedy", greedy != nil),
    ]
    return flags.filter(\.1).map(\.0)
  }
}

extension CacheOptions {
  /// Likewise.
  fileprivate var settled: [String] {
    let flags: [(String, Bool)] = [
      ("--kv-policy", kvPolicy != nil), ("--kv-budget", kvBudget != nil),
      ("--kv-type", rows.kvType != nil), ("--kv-option", !kvOption.isEmpty),
      ("--kv-cap", kvCap != nil), ("--kv-branches", kvBranches != nil),
    ]
    return flags.filter(\.1).map(\.0)
  }
}
