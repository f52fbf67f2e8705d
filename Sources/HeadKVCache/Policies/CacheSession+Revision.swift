import HeadKVMath

/// Revising budgets, between steps.
extension CacheSession {
  /// Ends the step of `count` sessions that have stepped together.
  ///
  /// Those that revise budgets do so side by side if there is one for each thread, else one after
  /// another on all threads. Allocates only then, or when profiling ends.
  package static func finishStep(
    of count: Int, pool: WorkerPool, session: (Int) -> CacheSession
  ) {
    // A leader revises the budgets of both branches, after both have counted the step.
    var revising = 0
    for index in 0..<count {
      let session = session(index)
      if session.willRevise { revising += 1 }
      if session.isFollower { session.finishStep() }
    }
    if revising >= pool.threads {
      pool.run(tasks: count) { index in
        let session = session(index)
        if !session.isFollower { session.finishStep() }
      }
    } else {
      for index in 0..<count where !session(index).isFollower {
        session(index).finishStep(pool: pool)
      }
    }
  }

  /// Whether the step that is open ends with budgets being revised.
  private var willRevise: Bool {
    isProfiling && !isPrefix && !isFollower && tokens + newRows >= revisions[revision]
  }

  /// Completes the profile and revises budgets, as far as either is due.
  func revise(_ pool: WorkerPool?) {
    if profile == nil, let options = policy.budgeter.profiling, tokens >= options.tokens {
      profile = watch?.profile()
    }
    if revision < revisions.count && tokens >= revisions[revision] {
      while revision < revisions.count && tokens >= revisions[revision] { revision += 1 }
      let evidence = BudgetEvidence(
        tokens: tokens, curves: curves, profile: { self.profile ?? self.watch?.profile() },
        measure: { self.measure($0, pool) })
      // A budgeter that has opened for this shape promises not to throw.
      let fresh = try! policy.budgeter.revised(evidence, budgets, shape)
      curves = evidence.curves
      newRows = 0
      releaseWatch()
      let isLast = revision == revisions.count
      if fresh != budgets || isLast { adopt(fresh) }
    } else {
      releaseWatch()
    }
  }

  /// Gives up what was noted of the heads once nothing is to come of it.
  private func releaseWatch() {
    let isWatched = policy.budgeter.watches(hasProfile: profile != nil, isProfiling: isProfiling)
    if !isWatched { watch = nil }
  }

  private func measure(_ heads: [HeadIndex], _ pool: WorkerPool?) -> [DistortionCurve] {
    guard let pool, heads.count > 1 else { return heads.map(measure) }
    return pool.map(tasks: heads.count) { measure(heads[$0]) }
  }

  /// What a head loses with fewer rows, by its latest queries.
  private func measure(_ head: HeadIndex) -> DistortionCurve {
    guard let watch, let distortion = policy.budgeter.distortion else {
      preconditionFailure("this policy does not measure heads")
    }
    return unsafe watch.curve(
      head, rows: cache.rows(layer: head.layer, head: head.head), prefixRows: prefixRows,
      tokens: tokens, gain: gains?[head.layer, head.head] ?? 1, distortion)
  }

  private func adopt(_ fresh: HeadMap<HeadBudget>) {
    budgets = fresh
    follower?.budgets = fresh
    var plan = EvictionPlan(reserving: shape.fullRows)
    for layer in 0..<shape.layers {
      for head in 0..<shape.heads {
        let rows = unsafe cache.rows(layer: layer, head: head)
        let twin = unsafe follower?.rows(layer: layer, head: head)
        var step = headStep(layer, head)
        step.now -= 1
        step.untilUpdate = 0
        let view = unsafe HeadView(rows, weights: nil, queries: 0, twin: twin)
        unsafe relieve(view, step, fresh[layer, head], rows, twin, &plan)
      }
    }
    let capacities = policy.capacities(fresh, after: tokens)
    cache.recarve(capacities: capacities)
    follower?.cache.recarve(capacities: capacities)
  }

  /// Effective ranks of the picture's keys and values in a head, from the rows that are live; nil
  /// if they cannot be computed. Allocates.
  public func effectiveRanks(layer: Int, head: Int) -> (key: Double?, value: Double?) {
    let rows = unsafe cache.rows(layer: layer, head: head)
    let (slots, size) = unsafe (prefixRows..<rows.count, rows.dimension)
    func rank(_ stored: StoredRows) -> Double? {
      var matrix = [Float](repeating: 0, count: slots.count * size)
      unsafe stored.load(slots, into: &matrix)
      return EffectiveRank.of(matrix, rows: slots.count, columns: size)
    }
    return unsafe (rank(rows.keys), rank(rows.values))
  }
}
