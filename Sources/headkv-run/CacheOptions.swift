import ArgumentParser
import HeadKV

extension CacheElement: ExpressibleByArgument {}
extension GuidanceBranches: ExpressibleByArgument {}

/// How rows are held.
struct RowOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Type of cached keys and values: f32 as computed; f16 and bf16 in half the memory, f16 with "
        + "an eighth of the rounding; int8 in about a third, with a scale for each key and value.",
      valueName: "type"))
  var kvType: CacheElement = .f32
}

/// What a cache may hold.
struct CacheOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Which rows the cache keeps: \(PolicyCatalog.all.map(\.name).joined(separator: ", ")); "
        + "`headkv-run policies` tells what each does.", valueName: "name"),
    completion: .policies)
  var kvPolicy: String = "auto"

  @Option(
    help: ArgumentHelp(
      "What a sequence may keep: a share (1/6, 17%), rows of a head on average with the prefix "
        + "counted (43rows), or bytes (64MiB). (default: everything)", valueName: "budget"),
    completion: .budgets)
  var kvBudget: String?

  @OptionGroup var rows: RowOptions

  @Option(
    help: ArgumentHelp(
      "Set an option of the policy, as `headkv-run policies` lists them; repeatable.",
      valueName: "name=value"),
    completion: .policyOptions)
  var kvOption: [String] = []

  @Option(
    help: ArgumentHelp(
      "When the budget holds under auto: after the heads are profiled, or strict: from the first "
        + "token on. (default: after)", valueName: "when"))
  var kvCap: CapText?

  enum CapText: String, ExpressibleByArgument, CaseIterable { case after, strict }

  @Option(
    help: ArgumentHelp(
      "Whether both branches of a guided picture keep the same tokens (shared).",
      valueName: "how"))
  var kvBranches: GuidanceBranches = .independent

  /// - Throws: ``CacheBudgetError`` or ``OptionError`` naming what cannot be read.
  func choice() throws -> PolicyChoice {
    var options: [String: String] = [:]
    for text in kvOption {
      let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      guard parts.count == 2, !parts[0].isEmpty else {
        throw OptionError("--kv-option", "'\(text)'", "name=value")
      }
      guard options.updateValue(String(parts[1]), forKey: String(parts[0])) == nil else {
        throw OptionError("--kv-option", "'\(text)'", "given once for each name")
      }
    }
    if let kvCap {
      guard options.updateValue(kvCap.rawValue, forKey: "cap") == nil else {
        throw OptionError("--kv-cap", "'\(kvCap.rawValue)'", "given once: there is --kv-option cap")
      }
    }
    return PolicyChoice(
      kvPolicy, budget: try kvBudget.map { budget throws in try CacheBudget(parsing: budget) },
      options: options, branches: kvBranches,
      element: rows.kvType)
  }

  /// What was asked for, as a line of settings says it.
  var summary: String {
    let all = kvOption + (kvCap.map { ["cap=\($0.rawValue)"] } ?? [])
    let options = all.isEmpty ? "" : " (\(all.joined(separator: ", ")))"
    let branches = kvBranches == .independent ? "" : ", \(kvBranches.rawValue) branches"
    return
      "kv-policy \(kvPolicy)\(options), kv-budget \(kvBudget ?? "100%"), kv-type \(rows.kvType.rawValue)\(branches)"
  }
}
