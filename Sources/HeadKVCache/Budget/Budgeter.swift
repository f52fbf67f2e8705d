/// Says when a sequence's budgets are set, and to what.
///
/// Budgets hold from the first token on and may be revised any number of times as the profile of
/// the heads grows, so that a policy may commit to some heads sooner than to others.
public protocol Budgeter: Sendable {
  /// What is profiled; nil if nothing is.
  var profiling: ProfilingOptions? { get }
  /// How heads are measured on their latest queries, which are then kept until the last revision;
  /// nil if they are not.
  var distortion: DistortionOptions? { get }
  /// Numbers of tokens, ascending, after which ``revised(_:_:_:)`` is asked.
  var revisions: [Int] { get }

  /// Budgets before the first token.
  ///
  /// - Throws: ``BudgetError`` if what there is to hold does not suffice.
  func opening(_ shape: SequenceShape) throws(BudgetError) -> HeadMap<HeadBudget>

  /// Budgets once the heads have shown `evidence`; `current` ones if nothing is to change.
  ///
  /// A budgeter whose ``opening(_:)`` succeeds for a shape does not throw here for profiles of it.
  func revised(
    _ evidence: BudgetEvidence, _ current: HeadMap<HeadBudget>, _ shape: SequenceShape
  ) throws(BudgetError) -> HeadMap<HeadBudget>

  /// The most rows, over all heads, that revised budgets sum to.
  func mostRows(_ shape: SequenceShape) -> Int
}

extension Budgeter {
  public var distortion: DistortionOptions? { nil }

  /// Whether heads are still noted: a profile is to come of it, or a revision.
  func watches(hasProfile: Bool, isProfiling: Bool) -> Bool {
    (profiling != nil && !hasProfile) || isProfiling
  }
}

/// How the loss of a head with fewer rows is measured.
public struct DistortionOptions: Sendable, Hashable {
  /// Whether rows that are old by now are weighed for all that will be old in the rest of the
  /// picture.
  public var anticipatesGrowth: Bool

  public init(anticipatesGrowth: Bool = true) { self.anticipatesGrowth = anticipatesGrowth }
}

/// Budgets that are known before the first token.
public struct FixedBudgets: Budgeter {
  public let rule: any BudgetRule
  /// Rows of all heads together.
  public let total: Int
  public var profiling: ProfilingOptions? { nil }
  public var revisions: [Int] { [] }

  /// - Precondition: the rule needs no profile.
  public init(_ rule: any BudgetRule, total: Int) {
    precondition(!rule.needsProfile, "fixed budgets come from a rule that needs no profile")
    self.rule = rule
    self.total = total
  }

  public func opening(_ shape: SequenceShape) throws(BudgetError) -> HeadMap<HeadBudget> {
    try rule.budgets(nil, total: total, shape)
  }

  public func revised(
    _ evidence: BudgetEvidence, _ current: HeadMap<HeadBudget>, _ shape: SequenceShape
  ) -> HeadMap<HeadBudget> { current }

  public func mostRows(_ shape: SequenceShape) -> Int { total }
}

/// The full cache until the profile is complete, then budgets by a rule, once.
public struct ProfiledBudgets: Budgeter {
  public let rule: any BudgetRule
  /// Rows of all heads together, from the profile on.
  public let total: Int
  private let options: ProfilingOptions
  public var profiling: ProfilingOptions? { options }
  public let revisions: [Int]

  public init(_ rule: any BudgetRule, total: Int, profiling: ProfilingOptions) {
    self.rule = rule
    self.total = total
    options = profiling
    revisions = [profiling.tokens]
  }

  /// Room for everything that is drawn while profiling.
  public func opening(_ shape: SequenceShape) throws(BudgetError) -> HeadMap<HeadBudget> {
    let needed = shape.allHeads * (shape.prefixRows + 1)
    guard total >= needed else { throw .tooSmall(total: total, needed: needed) }
    let most = shape.allHeads * shape.fullRows
    guard total <= most else { throw .tooLarge(total: total, most: most) }
    let rows = min(shape.prefixRows + options.tokens + shape.rowsPerStep - 1, shape.fullRows)
    return HeadMap(
      repeating: HeadBudget(rows: rows, window: rows - shape.prefixRows), layers: shape.layers,
      heads: shape.heads)
  }

  public func revised(
    _ evidence: BudgetEvidence, _ current: HeadMap<HeadBudget>, _ shape: SequenceShape
  ) throws(BudgetError) -> HeadMap<HeadBudget> {
    try rule.budgets(evidence.profile, total: total, shape)
  }

  public func mostRows(_ shape: SequenceShape) -> Int { total }
}
