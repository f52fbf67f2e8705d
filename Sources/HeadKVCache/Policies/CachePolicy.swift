/// What a sequence's cache keeps: budgets for its heads, a rule that chooses rows, and a schedule.
///
/// A value, made for sequences of one shape and checked against it; ``CacheSession`` runs it.
public struct CachePolicy: Sendable {
  public let name: String
  public let shape: SequenceShape
  public let budgeter: any Budgeter
  public let eviction: any EvictionRule
  public let schedule: EvictionSchedule
  public let branches: GuidanceBranches
  /// Budgets before the first token.
  public let opening: HeadMap<HeadBudget>
  public let memory: MemoryPlan

  /// - Throws: ``PolicyError/rows(_:)`` if the budgeter has not enough for this shape.
  public init(
    name: String, shape: SequenceShape, budgeter: any Budgeter, eviction: any EvictionRule,
    schedule: EvictionSchedule = .everyToken, branches: GuidanceBranches = .shared
  ) throws(PolicyError) {
    self.name = name
    self.shape = shape
    self.budgeter = budgeter
    self.eviction = eviction
    self.schedule = schedule
    self.branches = branches
    do { opening = try budgeter.opening(shape) } catch { throw .rows(error) }
    memory = MemoryPlan(
      shape, budgeter: budgeter, opening: opening,
      slack: schedule.slack(rowsPerStep: shape.rowsPerStep))
  }

  /// The full cache: every row is kept.
  public static func full(_ shape: SequenceShape, name: String = "full") -> CachePolicy {
    let budgets = FixedBudgets(UniformBudget(), total: shape.fullRows * shape.allHeads)
    // The full cache's rows are enough for any rule.
    return try! CachePolicy(name: name, shape: shape, budgeter: budgets, eviction: KeepAll())
  }

  /// Rows that a head may hold beyond its budget between updates.
  public var slack: Int { schedule.slack(rowsPerStep: shape.rowsPerStep) }

  /// Tokens, beyond `tokens`, up to which a cache that is laid out now has to last: to the first
  /// revision of budgets, then to the last, whichever adopt new ones between; nil: to the end.
  func nextLayout(after tokens: Int) -> Int? {
    let revisions = budgeter.revisions
    guard let first = revisions.first, let last = revisions.last, tokens < last else { return nil }
    return tokens < first ? first : last
  }

  /// Room for each head in a cache that is laid out after so many tokens.
  func capacities(_ budgets: HeadMap<HeadBudget>, after tokens: Int) -> HeadMap<Int> {
    let capacity = HeadCapacity(shape, slack: slack, until: nextLayout(after: tokens))
    return budgets.map { capacity.rows(for: $0) }
  }
}

/// Whether the two branches of a guided picture keep rows of their own choice.
public enum GuidanceBranches: String, Sendable, Hashable, CaseIterable {
  case independent
  /// Both keep the rows of the same tokens, chosen by the weights of both. What one branch lacks the
  /// other lacks, too, and guidance, which multiplies the difference of their predictions, leaves it
  /// as it is.
  case shared
}
