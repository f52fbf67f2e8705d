/// Budgets that lose least by each head's own measure, taken on the first tokens of the sequence.
///
/// All heads keep everything while the first tokens are drawn. Then each head's latest queries are
/// asked again with fewer rows, and the total is split where it saves most.
///
/// A strict total holds from the first token on: when the heads no longer fit, the one that looks
/// most evenly is measured and committed to a few rows, and the others go on, until only heads are
/// open that look at single rows.
struct DistortionBudgets: Budgeter {
  /// Rows of all heads together.
  let total: Int
  let isStrict: Bool
  /// Normalised entropy below which a head is not committed before the end.
  let peaked: Double
  /// Rows of a head that is committed before the end.
  let early: Int
  let distortion: DistortionOptions?
  private let options: ProfilingOptions

  init(
    total: Int, profiling: ProfilingOptions, distortion: DistortionOptions, isStrict: Bool,
    peaked: Double, _ shape: SequenceShape
  ) {
    self.distortion = distortion
    self.total = total
    self.isStrict = isStrict
    self.peaked = peaked
    options = profiling
    let even = total / shape.allHeads
    let least = shape.prefixRows + 3
    early = min(max(least, even / 4), even)
    let first = max(even - shape.prefixRows, 1)
    revisions =
      isStrict && first < profiling.tokens
      ? Array(first...profiling.tokens) : [profiling.tokens]
  }

  var profiling: ProfilingOptions? { options }
  let revisions: [Int]

  private func least(_ shape: SequenceShape) -> Int { shape.prefixRows + 2 }

  func opening(_ shape: SequenceShape) throws(BudgetError) -> HeadMap<HeadBudget> {
    let needed = shape.allHeads * least(shape)
    guard total >= needed else { throw .tooSmall(total: total, needed: needed) }
    let most = shape.allHeads * shape.fullRows
    guard total <= most else { throw .tooLarge(total: total, most: most) }
    var rows = min(shape.prefixRows + options.tokens + shape.rowsPerStep - 1, shape.fullRows)
    if isStrict { rows = min(rows, total / shape.allHeads) }
    return HeadMap(
      repeating: HeadBudget(rows: rows, window: rows - shape.prefixRows), layers: shape.layers,
      heads: shape.heads)
  }

  func revised(
    _ evidence: BudgetEvidence, _ current: HeadMap<HeadBudget>, _ shape: SequenceShape
  ) throws(BudgetError) -> HeadMap<HeadBudget> {
    if isStrict, evidence.tokens < options.tokens,
      let next = stillOpen(evidence, current, shape)
    {
      return next
    }
    return DistortionSplit.budgets(
      evidence.allCurves(), total: total, least: least(shape), shape)
  }

  /// Budgets with which the open heads go on; nil if they are to be committed now.
  private func stillOpen(
    _ evidence: BudgetEvidence, _ current: HeadMap<HeadBudget>, _ shape: SequenceShape
  ) -> HeadMap<HeadBudget>? {
    // Heads that were committed have been measured, and all have once the split is made.
    var open = evidence.curves.values.indices.filter { evidence.curves.values[$0] == nil }
    if open.isEmpty { return current }
    let needed = shape.prefixRows + evidence.tokens + shape.rowsPerStep
    func fits() -> Bool {
      (shape.allHeads - open.count) * early + open.count * needed <= total
    }
    if fits() && !current.values.contains(where: { $0.rows < needed && $0.rows > early }) {
      return current
    }
    if !fits() {
      guard let profile = evidence.profile else { return nil }
      let entropy = profile.heads.map(\.entropy)
      open.sort { entropy.values[$0] < entropy.values[$1] }
      while !fits() {
        guard let head = open.last, entropy.values[head] >= peaked else { return nil }
        _ = evidence.curve(layer: head / shape.heads, head: head % shape.heads)
        open.removeLast()
      }
    }
    let left = total - (shape.allHeads - open.count) * early
    let most = min(shape.prefixRows + options.tokens + shape.rowsPerStep - 1, shape.fullRows)
    let rows = min(left / max(open.count, 1), most)
    return HeadMap(layers: shape.layers, heads: shape.heads) { layer, head in
      if let curve = evidence.curves[layer, head] {
        let point = curve.point(rows: early)
        let window = min(point.window, early - shape.prefixRows - 1)
        return HeadBudget(rows: early, window: max(window, 1), type: .global)
      }
      return HeadBudget(rows: rows, window: rows - shape.prefixRows)
    }
  }

  func mostRows(_ shape: SequenceShape) -> Int { total }
}
