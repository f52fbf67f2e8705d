import HeadKV

/// Policies with options, each at every budget, as a comparison is asked for.
struct PolicyList {
  struct Entry {
    /// As it was written.
    let name: String
    let budget: String
    let choice: PolicyChoice
  }

  let names: [String]
  let entries: [Entry]

  /// - Parameters:
  ///   - policies: `name` or `name:option=value:option=value`, separated by commas.
  ///   - element: type of the rows of all of them.
  ///   - budgets: what ``CacheBudget`` reads, separated by commas.
  /// - Throws: ``OptionError`` or ``CacheBudgetError`` naming what cannot be read.
  init(policies: String, budgets: String, element: CacheElement) throws {
    names = policies.split(separator: ",").map(String.init)
    let budgets = budgets.split(separator: ",").map(String.init)
    guard !names.isEmpty else { throw OptionError("--kv-policy", "empty", "a list of policies") }
    guard !budgets.isEmpty else { throw OptionError("--kv-budget", "empty", "a list of budgets") }
    var entries: [Entry] = []
    for name in names {
      let choice = try Self.choice(name)
      // The full cache has no budget: it runs once.
      for budget in choice.name == "full" ? ["100%"] : budgets {
        var choice = choice
        choice.element = element
        if choice.name != "full" { choice.budget = try CacheBudget(parsing: budget) }
        entries.append(Entry(name: name, budget: budget, choice: choice))
      }
    }
    self.entries = entries
  }

  private static func choice(_ text: String) throws -> PolicyChoice {
    if text == "strict" { return PolicyChoice("auto", options: ["cap": "strict"]) }
    let parts = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
    var options: [String: String] = [:]
    for part in parts.dropFirst() {
      let pair = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      guard pair.count == 2, !pair[0].isEmpty,
        options.updateValue(String(pair[1]), forKey: String(pair[0])) == nil
      else {
        throw OptionError("--kv-policy", "'\(text)'", "name:option=value, each option once")
      }
    }
    return PolicyChoice(parts[0], options: options)
  }
}
