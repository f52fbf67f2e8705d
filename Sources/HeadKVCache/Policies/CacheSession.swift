import HeadKVMath

/// The cache of one sequence while it is drawn: runs a ``CachePolicy``.
///
/// A step opens, attention runs head by head (on any threads), and the step is finished. Heads are
/// profiled, scored and relieved of surplus rows right after their attention; budgets are revised
/// between steps, which is when the cache is laid out anew.
@safe
public final class CacheSession: @unchecked Sendable {
  public let policy: CachePolicy
  /// What each head may keep now.
  public internal(set) var budgets: HeadMap<HeadBudget>
  /// What the heads look at, once the policy's profiling is complete.
  public internal(set) var profile: HeadProfile?
  /// Tokens of the picture that have been cached, live or not.
  public private(set) var tokens = 0
  /// Steps so far, those of the prefix included.
  public private(set) var steps: Int32 = 0

  var cache: SequenceCache
  /// Until the budgets stand.
  var watch: HeadWatch?
  private let observers: [any CacheObserver]
  /// What heads lose with fewer rows, as far as they have been measured.
  var curves: HeadMap<DistortionCurve?>
  /// What a squared error of each head's output counts for.
  let gains: HeadMap<Float>?
  /// The other branch of the picture, if it follows this one's plans, or is followed by it.
  var follower: CacheSession?
  weak var leader: CacheSession?
  var prefixRows = 0
  var revision = 0
  /// The budgeter's, which may make them anew whenever it is asked.
  let revisions: [Int]
  /// The step that is open.
  var newRows = 0
  private(set) var isPrefix = false
  /// Tokens at the last update.
  private(set) var updatedAt = 0
  private let isPassive: Bool
  /// Where models of one's own attend, from their first step on.
  var stepScratch: StepScratch?

  /// - Parameters:
  ///   - leader: the session of the picture's other branch, whose plans this one follows.
  ///   - observers: those that watch; under shared branches the leader's are asked.
  ///   - gains: mean squared gain from each head's output to the residual stream; all alike if nil.
  /// - Precondition: `leader` has the same shape, no follower, and has not drawn a token.
  public convenience init(
    _ policy: CachePolicy, sharingWith leader: CacheSession? = nil,
    observers: [any CacheObserver] = [], gains: HeadMap<Float>? = nil
  ) {
    precondition(leader.map { $0.tokens == 0 } ?? true, "a session is shared from its start")
    self.init(policy, leader, observers, gains, budgets: policy.opening, after: 0)
  }

  /// With an empty cache that is laid out as it is after so many tokens.
  init(
    _ policy: CachePolicy, _ leader: CacheSession?, _ observers: [any CacheObserver],
    _ gains: HeadMap<Float>?, budgets: HeadMap<HeadBudget>, after tokens: Int
  ) {
    self.policy = policy
    self.gains = gains
    self.budgets = budgets
    revisions = policy.budgeter.revisions
    curves = HeadMap(repeating: nil, layers: policy.shape.layers, heads: policy.shape.heads)
    self.observers = observers
    isPassive = policy.eviction is KeepAll
    cache = SequenceCache(
      policy.shape, capacities: policy.capacities(budgets, after: tokens),
      limit: policy.memory.capBytes)
    if let leader {
      precondition(
        leader.policy.shape == policy.shape && leader.follower == nil && leader.leader == nil,
        "a session is shared by two branches")
      self.leader = leader
      leader.follower = self
    } else {
      watch = HeadWatch(policy.shape, policy.budgeter)
    }
  }

  /// Ends the bond with the other branch; this must be called before either is given up.
  package func detach() {
    follower?.leader = nil
    leader?.follower = nil
    follower = nil
    leader = nil
  }

  // MARK: - Accounts

  public var shape: SequenceShape { policy.shape }

  /// Bytes that are held now: the cache, and what is noted of the heads until their budgets stand.
  public var byteCount: Int { cache.byteCount + watchByteCount }

  /// Bytes of ``byteCount`` that are not the cache's.
  public var watchByteCount: Int { watch?.byteCount ?? 0 }

  /// Live rows over all layers and heads.
  public var liveRows: Int { cache.liveRows }

  /// The most live rows that a head has.
  public var mostLiveRows: Int { cache.mostLiveRows }

  /// Whether budgets are still to be revised.
  public var isProfiling: Bool { revision < revisions.count }

  /// Live rows of a head.
  public func count(layer: Int, head: Int) -> Int { cache.count(layer: layer, head: head) }

  /// Rows a head has room for.
  public func capacity(layer: Int, head: Int) -> Int { cache.capacity(layer: layer, head: head) }

  /// What is remembered of the row in `slot` of a head.
  ///
  /// - Precondition: the slot is live.
  public func row(layer: Int, head: Int, slot: Int) -> CacheRow {
    cache.row(layer: layer, head: head, slot: slot)
  }

  // MARK: - A step

  /// Bare access for the decode loop.
  package func rows(layer: Int, head: Int) -> HeadRows {
    unsafe cache.rows(layer: layer, head: head)
  }

  /// The branch that follows this one's plans.
  package var sharing: CacheSession? { follower }

  /// Whether this one's rule looks at its heads after attention.
  package var evicts: Bool { !isPassive && leader == nil }

  /// Whether another branch makes this one's plans.
  package var isFollower: Bool { leader != nil }

  /// Starts a step that appends `rows` rows to each head.
  ///
  /// - Precondition: no more than `shape.rowsPerStep`, the prefix not after the picture's tokens.
  package func openStep(rows: Int, isPrefix: Bool) {
    precondition(rows > 0 && rows <= shape.rowsPerStep, "a step appends up to rowsPerStep rows")
    precondition(!isPrefix || tokens == 0, "the prefix comes first")
    newRows = rows
    self.isPrefix = isPrefix
  }

  /// Whether ``asked(layer:head:token:_:)`` is to be told the queries.
  package var wantsQueries: Bool { !isPrefix && watch?.wantsQueries == true }

  /// Takes note of a head's rotated query, `[headDimension]`, of the `index`-th row of the step.
  package func asked(layer: Int, head: Int, index: Int, _ query: UnsafePointer<Float>) {
    unsafe watch?.asked(layer: layer, head: head, token: tokens + index, query)
  }

  /// Profiles, scores and relieves a head after its attention.
  ///
  /// Touches nothing but this head and that of the branch that shares its plans.
  /// - Parameters:
  ///   - weights: softmax weights `[queries, rows]`; `twinWeights` those of the other branch.
  ///   - plan: room to work in.
  package func attended(
    layer: Int, head: Int, weights: UnsafePointer<Float>, twinWeights: UnsafePointer<Float>?,
    queries: Int, plan: inout EvictionPlan
  ) {
    if isPassive && observers.isEmpty && watch == nil { return }
    let rows = unsafe cache.rows(layer: layer, head: head)
    let twin = unsafe twinWeights == nil ? nil : follower?.rows(layer: layer, head: head)
    let view = unsafe HeadView(
      rows, weights: weights, queries: queries, twin: twin, twinWeights: twinWeights)
    let step = headStep(layer, head)
    if !isPrefix { watch?.attended(view, step) }
    for observer in observers { observer.attended(view, step) }
    if isPassive { return }
    policy.eviction.observe(view, step)
    if !isPrefix && step.untilUpdate == 0 {
      unsafe relieve(view, step, budgets[layer, head], rows, twin, &plan)
    }
  }

  func headStep(_ layer: Int, _ head: Int) -> HeadStep {
    let after = isPrefix ? tokens : tokens + newRows
    let due = policy.schedule.isDue(from: tokens, to: after)
    return HeadStep(
      layer: layer, head: head, now: steps, tokens: after,
      prefixRows: isPrefix ? prefixRows + newRows : prefixRows, newRows: newRows,
      rowsPerStep: shape.rowsPerStep, grid: shape.grid, sinceUpdate: after - updatedAt,
      untilUpdate: due ? 0 : policy.schedule.remaining(after: after))
  }

  /// Lets a head's surplus rows go.
  func relieve(
    _ view: HeadView, _ step: HeadStep, _ budget: HeadBudget, _ rows: HeadRows, _ twin: HeadRows?,
    _ plan: inout EvictionPlan
  ) {
    var surplus = min(view.count - budget.rows, view.count - step.prefixRows)
    var view = view
    while surplus > 0 {
      let count = min(surplus, policy.eviction.mostPerPlan)
      plan.removeAll()
      policy.eviction.plan(surplus: count, budget, view, step, into: &plan)
      plan.complete(count, view, step)
      guard !plan.isEmpty else { return }
      surplus -= plan.slots.count
      unsafe rows.apply(&plan)
      if let twin = unsafe twin { unsafe twin.apply(&plan) }
      // The weights no longer lie as the rows do.
      if surplus > 0 { view = unsafe HeadView(rows, weights: nil, queries: 0, twin: twin) }
    }
  }

  /// Ends the step: counts it, and revises budgets if that is due.
  ///
  /// Allocates only when budgets are revised or profiling ends.
  /// - Parameter pool: threads that measure heads, if that is due.
  package func finishStep(pool: WorkerPool? = nil) {
    let isDue = !isPrefix && policy.schedule.isDue(from: tokens, to: tokens + newRows)
    if isPrefix {
      prefixRows += newRows
    } else {
      watch?.stepped(tokens: tokens..<tokens + newRows, birth: steps)
      tokens += newRows
    }
    steps += 1
    if leader == nil && !isPrefix { revise(pool) }
    if isDue { updatedAt = tokens }
  }

  /// Tells the observers that the step is over; after both branches of a picture have finished it.
  package func notifyObservers() {
    for observer in observers { observer.stepped(self) }
  }

  /// Counts a prefix whose rows were appended without a step.
  package func adoptPrefix(rows: Int) {
    prefixRows = rows
    steps = 1
  }
  /// Counts what was drawn before the session was restored.
  func restore(tokens: Int, prefixRows: Int, steps: Int32, updatedAt: Int) {
    self.tokens = tokens
    self.prefixRows = prefixRows
    self.steps = steps
    self.updatedAt = updatedAt
    revision = revisions.prefix { $0 <= tokens }.count
  }
}
