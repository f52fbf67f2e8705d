extension CacheSession {
  /// The session as it stands.
  ///
  /// - Precondition: no step is open.
  /// - Complexity: O(live rows); copies them.
  public func snapshot() -> CacheSnapshot {
    precondition(
      stepScratch.map { $0.nextLayer == shape.layers } ?? true, "a snapshot is taken between steps")
    let hasCurves = curves.values.contains { $0 != nil }
    return CacheSnapshot(
      shape: shape,
      notes: SnapshotNotes(
        policy: policy.name, tokens: tokens, prefixRows: prefixRows, steps: steps,
        updatedAt: updatedAt, budgets: budgets, profile: profile,
        curves: hasCurves ? curves.values.map { $0?.points ?? [] } : []),
      rows: SnapshotRows(cache), watch: watch?.snapshot())
  }

  /// Goes on from a snapshot, bit for bit as the session that was saved would have.
  ///
  /// - Parameters:
  ///   - policy: as that session had it.
  ///   - leader: the restored session of the picture's other branch, if this one follows its plans.
  ///   - observers, gains: as for a session that begins.
  /// - Throws: ``SnapshotError`` if the snapshot is not of such a session.
  /// - Precondition: `leader` has no follower, and has drawn nothing since it was restored.
  public convenience init(
    _ policy: CachePolicy, restoring snapshot: CacheSnapshot,
    sharingWith leader: CacheSession? = nil, observers: [any CacheObserver] = [],
    gains: HeadMap<Float>? = nil
  ) throws(SnapshotError) {
    try snapshot.check(policy, sharingWith: leader)
    self.init(
      policy, leader, observers, gains, budgets: snapshot.notes.budgets, after: snapshot.tokens)
    adopt(snapshot)
  }

  private func adopt(_ snapshot: CacheSnapshot) {
    let notes = snapshot.notes
    restore(
      tokens: notes.tokens, prefixRows: notes.prefixRows, steps: notes.steps,
      updatedAt: notes.updatedAt)
    profile = notes.profile
    for (index, points) in notes.curves.enumerated() where !points.isEmpty {
      curves[index / shape.heads, index % shape.heads] = DistortionCurve(points)
    }
    snapshot.rows.restore(into: cache)
    if let saved = snapshot.watch { watch?.restore(saved) } else { watch = nil }
  }
}
