/// Reads a policy's options and puts the policy together.
struct PolicyComposer {
  let choice: PolicyChoice
  let shape: SequenceShape
  private let description: PolicyDescription

  /// - Throws: ``PolicyError`` for an option that the policy does not have.
  init(
    _ choice: PolicyChoice, description: PolicyDescription, shape: SequenceShape
  ) throws(PolicyError) {
    self.choice = choice
    self.description = description
    self.shape = shape
    let known = description.parameters.map(\.name)
    for name in choice.options.keys.sorted() where !known.contains(name) {
      throw .unknownOption(policy: choice.name, name: name, known: known)
    }
  }

  // MARK: - Options

  /// The text of an option, or its default.
  private func text(_ name: String) -> String {
    guard let parameter = description.parameters.first(where: { $0.name == name }) else {
      preconditionFailure("\(choice.name) has no parameter \(name)")
    }
    return choice.options[name] ?? parameter.defaultValue
  }

  private func refused(_ name: String, _ expected: String) -> PolicyError {
    .option(policy: choice.name, name: name, found: text(name), expected: expected)
  }

  func number(_ name: String, in range: ClosedRange<Double>) throws(PolicyError) -> Double {
    guard let value = Double(text(name)), range.contains(value) else {
      throw refused(name, "a number between \(range.lowerBound) and \(range.upperBound)")
    }
    return value
  }

  func integer(_ name: String, in range: ClosedRange<Int>) throws(PolicyError) -> Int {
    guard let value = Int(text(name)), range.contains(value) else {
      throw refused(name, "a whole number between \(range.lowerBound) and \(range.upperBound)")
    }
    return value
  }

  func odd(_ name: String) throws(PolicyError) -> Int {
    let value = try integer(name, in: 1...1023)
    guard value % 2 == 1 else { throw refused(name, "odd") }
    return value
  }

  func oneOf<Value: RawRepresentable<String> & CaseIterable>(
    _ name: String, _ type: Value.Type = Value.self
  ) throws(PolicyError) -> Value {
    guard let value = Value(rawValue: text(name)) else {
      throw refused(name, "one of \(Value.allCases.map(\.rawValue).joined(separator: ", "))")
    }
    return value
  }

  func flag(_ name: String) throws(PolicyError) -> Bool {
    try oneOf(name, Answer.self) == .yes
  }

  private enum Answer: String, CaseIterable { case yes, no }

  /// An option in rows of the grid.
  func gridRows(_ name: String) throws(PolicyError) -> Double {
    try number(name, in: 0...Double(shape.grid.height))
  }

  /// An option in rows of the grid as tokens, at least one.
  func tokens(_ name: String) throws(PolicyError) -> Int {
    let tokens = try gridRows(name) * Double(shape.grid.width)
    return max(Int(tokens.rounded(.up)), 1)
  }

  // MARK: - Parts

  /// Tokens that are profiled: the option `profile`, but no more than three rows of the grid or than
  /// a head keeps on average, if that is more, so that the profile does not set the peak for long.
  func profiled(rows: Int) throws(PolicyError) -> Int {
    let most = max(3 * shape.grid.width, rows - shape.prefixRows)
    return min(try tokens("profile"), most, shape.grid.count)
  }

  /// - Throws: ``PolicyError`` if tau or queries are out of range.
  func profiling(
    tokens: Int, queries: Int? = nil, tau: Double = 0.9, domain: ProfileDomain = .visual
  ) throws(PolicyError) -> ProfilingOptions {
    do {
      return try ProfilingOptions(
        tokens: tokens, queries: queries.map { min($0, tokens) }, tau: tau, domain: domain)
    } catch {
      throw .profile(error)
    }
  }

  /// Updates every so many rows of the grid, as the option `period` says; 0 is every token.
  func schedule(phase: Int = 0) throws(PolicyError) -> EvictionSchedule {
    .every(try tokens("period"), phase: phase)
  }

  /// Rows that a head keeps on average after an update, by the options `period` and `peak`.
  func periodicRows() throws(PolicyError) -> Int {
    try rows(schedule(), peak: flag("peak"))
  }

  /// Rows that a head keeps on average after an update.
  ///
  /// - Parameters:
  ///   - peak: whether the budget holds before an update, too.
  ///   - beside: bytes that a budget in bytes has to hold beside the cache.
  func rows(
    _ schedule: EvictionSchedule, peak: Bool = false, beside: Int = 0
  ) throws(PolicyError) -> Int {
    guard let budget = choice.budget else { throw .budgetMissing(choice.name) }
    let slack = schedule.slack(rowsPerStep: shape.rowsPerStep)
    do throws(CacheBudgetError) {
      let rows = try budget.rowsPerHead(shape, slack: peak ? 0 : slack, beside: beside)
      guard peak, rows < shape.fullRows else { return rows }
      let needed = shape.prefixRows + 1
      guard rows - slack >= needed else {
        throw CacheBudgetError.tooSmall(rows: rows, needed: needed + slack)
      }
      return rows - slack
    } catch {
      throw .budget(error)
    }
  }

  /// The policy; the full cache if every head may keep all rows.
  ///
  /// - Parameters:
  ///   - rows: rows that a head keeps on average.
  ///   - profiling: what the budget rule looks at.
  func policy(
    rows: Int, _ rule: any BudgetRule, _ eviction: any EvictionRule,
    _ schedule: EvictionSchedule = .everyToken, profiling: ProfilingOptions? = nil
  ) throws(PolicyError) -> CachePolicy {
    if rows >= shape.fullRows { return .full(shape, name: choice.name) }
    let total = rows * shape.allHeads
    let budgeter: any Budgeter =
      if let profiling {
        ProfiledBudgets(rule, total: total, profiling: profiling)
      } else {
        FixedBudgets(rule, total: total)
      }
    return try CachePolicy(
      name: choice.name, shape: shape, budgeter: budgeter, eviction: eviction, schedule: schedule,
      branches: choice.branches)
  }
}
