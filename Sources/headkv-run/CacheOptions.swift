import ArgumentParser
import HeadKV

extension CacheElement: ExpressibleByArgument {}
extension GuidanceBranches: ExpressibleByArgument {}

/// How rows are held.
struct RowOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Type of cached keys and values: f32 as computed; f16 and bf16 in half the memory, f16 with "
        + "an eighth of the rounding; int8 in about a third, with a scale for each key and value. "
        + "(default: f32)",
      valueName: "type"))
  var kvType: CacheElement?

  var element: CacheElement { kvType ?? .f32 }
}

/// What a cache may hold.
struct CacheOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Which rows the cache keeps: \(PolicyCatalog.all.map(\.name).joined(separator: ", ")); "
        + "`headkv-run policies` tells what each does. (default: auto)", valueName: "name"),
    completion: .policies)
  var kvPolicy: String?

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
      "Whether both branches of a guided picture keep the same tokens (shared) or each its own "
        + "choice (independent). (default: shared)", valueName: "how"))
  var kvBranches: GuidanceBranches?

  /// What was asked for; what was not is taken from `base`.
  ///
  /// Another policy than the base's takes none of its options, and the full cache no budget.
  /// - Throws: ``CacheBudgetError`` or ``OptionError`` naming what cannot be read.
  func choice(
    over base: PolicyChoice = PolicyChoice("auto", element: .f32)
  ) throws -> PolicyChoice {
    var choice = base
    if let kvPolicy, kvPolicy != base.name {
      choice.name = kvPolicy
      choice.options = [:]
      if kvPolicy == "full" { choice.budget = nil }
    }
    if let kvBudget { choice.budget = try CacheBudget(parsing: kvBudget) }
    choice.options.merge(try options()) { $1 }
    if let kvBranches { choice.branches = kvBranches }
    if let type = rows.kvType { choice.element = type }
    return choice
  }

  private func options() throws -> [String: String] {
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
    return options
  }
}
