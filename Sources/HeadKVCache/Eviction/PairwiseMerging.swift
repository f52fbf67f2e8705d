/// Of the rows older than the window, the two whose merging changes the head's output least become
/// one.
///
/// Rows with counts c1, c2, keys k1, k2 and values v1, v2 become their average with count c1 + c2.
/// To first order a query q then misses (c1 c2 / (c1 + c2)) exp(q.k) (q.(k1 - k2)) (v1 - v2): nothing
/// if the keys agree, and nothing if the values do. The rule takes the pair with the least
/// (c1 c2 / (c1 + c2))^2 |k1 - k2|^2 |v1 - v2|^2, which needs no attention weights.
///
/// Partners are looked for among the rows that were drawn next before and after: of a model trained
/// on pictures, 16 of them lose nothing against all.
///
/// A row's score is a lower bound of the cost of its cheapest merge: costs of pairs that are gone
/// count, too. Both rows of the cheapest pair have its cost as theirs; a row with the lowest score
/// that shares it with none is looked at again until its score is its cost. A step takes
/// O(m + partners * headDimension) for m rows instead of O(m^2 * headDimension).
///
/// A row that has been merged counts for more, and costs more to merge again: a row of two tokens
/// with a third almost twice as much, at the same distance. It rests, at the sum of the scores of the
/// two that it was, until others cost as much, rather than being looked at again at once.
public struct PairwiseMerging: EvictionRule, Hashable {
  /// About how many partners a row is compared with.
  let partners: Int
  /// Whether merged rows rest.
  let rests: Bool

  /// - Parameters:
  ///   - partners: about how many rows, the nearest in the order of drawing, a row's partner is looked
  ///     for among.
  ///   - rests: whether a merged row rests; else the pair taken is the cheapest there is.
  /// - Precondition: at least two partners.
  public init(partners: Int = 16, rests: Bool = true) {
    precondition(partners >= 2, "a row has partners on both sides")
    self.partners = partners
    self.rests = rests
  }

  public var mostPerPlan: Int { 1 }

  public func plan(
    surplus: Int, _ budget: HeadBudget, _ head: HeadView, _ step: HeadStep,
    into plan: inout EvictionPlan
  ) {
    let kept = head.firstKeptBirth(window: budget.window, step)
    var pair: (slot: Int, partner: Int)?
    plan.withRoom(columns: 2, of: head.count) { room in
      pair = cheapest(head, step, kept, &room)
    }
    // A single row beside the window has no partner: the oldest goes.
    guard let pair else { return }
    // The lighter row goes, so that the heavier keeps its place on the grid; of equals the younger.
    let (a, b) = pair
    let firstGoes =
      (head.bias(a), head.birth(b)) < (head.bias(b), head.birth(a))
    let (goes, stays) = firstGoes ? (a, b) : (b, a)
    // Scores are added when rows are merged; below 0 a score is unknown.
    if !rests {
      head.setScore(goes, 0)
      head.setScore(stays, -1)
    }
    plan.merge(slot: goes, into: stays)
  }

  /// The pair with the least cost, the first on ties; nil if there is no pair.
  ///
  /// Rows whose scores are not known, 0 or below, come up first, and lower the others' where these
  /// are cheaper to merge with them. A row without a partner at a finite cost comes up last.
  private func cheapest(
    _ head: HeadView, _ step: HeadStep, _ kept: Int32, _ room: inout MutableSpan<Float>
  ) -> (slot: Int, partner: Int)? {
    let reach = reach(head, step, kept)
    while let slot = head.lowestScore(step, before: kept) {
      let bound = head.score(slot)
      // Both rows of the cheapest pair have its cost as their score.
      if bound > 0, let partner = head.equalMerge(slot, before: kept) { return (slot, partner) }
      let birth = head.birth(slot)
      let near = max(birth - reach, 0)..<min(birth + reach, kept)
      let found =
        head.cheapestMerge(slot, step, born: near, in: &room)
        ?? head.cheapestMerge(slot, step, born: 0..<kept, in: &room)
      let cost = found?.cost ?? .greatestFiniteMagnitude
      if bound > 0 && cost <= bound { return found.map { (slot, $0.row) } }
      head.setScore(slot, cost)
    }
    return nil
  }

  /// Steps within which a row's partners were born, so that there are about `partners` of them.
  private func reach(_ head: HeadView, _ step: HeadStep, _ kept: Int32) -> Int32 {
    let old = head.count - step.prefixRows - Int(step.now + 1 - kept)
    guard old > partners else { return kept }
    return Int32(Int(kept) * partners / (2 * old)) + 1
  }
}
