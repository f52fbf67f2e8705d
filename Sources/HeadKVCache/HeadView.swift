import HeadKVMath

/// One head of a sequence after attention, as profilers and eviction rules see it.
///
/// Rows are named by slot, `0..<count`; prefix rows fill the first slots, rows of this step the
/// last. Under shared branches a view covers the heads of both: their rows lie in the same slots,
/// and the queries of the second follow those of the first.
///
/// Valid during the call that hands it over and no longer. Slots and queries are checked.
@safe
public struct HeadView {
  private let rows: HeadRows
  private let weights: UnsafePointer<Float>?
  /// The other branch, if it shares this one's plans.
  private let twin: HeadRows?
  private let twinWeights: UnsafePointer<Float>?
  private let ownQueries: Int
  /// Live rows, this step's included.
  public let count: Int
  /// Queries that attended in this step, over all branches; 0 between steps.
  public let queries: Int

  init(
    _ rows: HeadRows, weights: UnsafePointer<Float>?, queries: Int, twin: HeadRows? = nil,
    twinWeights: UnsafePointer<Float>? = nil
  ) {
    unsafe self.rows = rows
    unsafe self.weights = weights
    unsafe self.twin = twin
    unsafe self.twinWeights = twinWeights
    unsafe count = rows.count
    ownQueries = queries
    unsafe self.queries = twinWeights == nil ? queries : 2 * queries
  }

  @inline(__always) private func check(_ slot: Int) {
    precondition(slot >= 0 && slot < count, "no live row in that slot")
  }

  /// Raster position on the grid; negative for a prefix row.
  @inline(__always) public func position(_ slot: Int) -> Int32 {
    check(slot)
    return unsafe rows.positions[slot]
  }

  /// Step in which the row was appended.
  @inline(__always) public func birth(_ slot: Int) -> Int32 {
    check(slot)
    return unsafe rows.births[slot]
  }

  /// Log of the number of tokens that the row stands for.
  @inline(__always) public func bias(_ slot: Int) -> Float {
    check(slot)
    return unsafe rows.biases[slot]
  }

  /// Softmax weight that a query of this step gave the row.
  @inline(__always) public func weight(query: Int, slot: Int) -> Float {
    check(slot)
    return unsafe queryWeights(query)[slot]
  }

  @inline(__always) private func queryWeights(_ query: Int) -> UnsafePointer<Float> {
    precondition(query >= 0 && query < queries, "no such query in this step")
    return unsafe query < ownQueries
      ? weights! + query * count : twinWeights! + (query - ownQueries) * count
  }

  /// Position of the token whose query it is.
  ///
  /// - Precondition: the view shows a step whose queries are its newest rows.
  public func queryPosition(_ query: Int) -> Int32 {
    position(count - ownQueries + query % max(ownQueries, 1))
  }

  // MARK: - Scores

  /// The rule's own running value for the row; 0 for a new one.
  @inline(__always) public func score(_ slot: Int) -> Float {
    check(slot)
    return unsafe rows.scores[slot]
  }

  @inline(__always) public func setScore(_ slot: Int, _ value: Float) {
    check(slot)
    unsafe rows.scores[slot] = value
  }

  /// Sets all scores to 0.
  public func clearScores() { unsafe rows.scores.update(repeating: 0, count: count) }

  /// Adds to each row's score what this step's queries gave it.
  ///
  /// - Complexity: O(queries * count).
  public func addWeightsToScores() {
    let scores = unsafe rows.scores
    for query in 0..<queries {
      let weights = unsafe queryWeights(query)
      for slot in 0..<count { unsafe scores[slot] += weights[slot] }
    }
  }

  // MARK: - Keys

  /// Inner product of two rows' keys, summed over branches.
  ///
  /// - Complexity: O(headDimension).
  public func keyDot(_ a: Int, _ b: Int) -> Float {
    check(a)
    check(b)
    var sum = unsafe rows.keyDot(a, b)
    if let twin = unsafe twin { sum += unsafe twin.keyDot(a, b) }
    return sum
  }

  /// The row, of those born in `born`, whose merge with `slot` costs the head's output least, the
  /// first of equal ones, and that cost: see ``PairwiseMerging``. Costs are summed over branches; nil
  /// if no row takes part, which the prefix never does.
  ///
  /// Scores above what merging their rows with `slot` costs become this.
  ///
  /// - Parameter room: two numbers for each row.
  /// - Complexity: O(count + rows that take part * headDimension).
  func cheapestMerge(
    _ slot: Int, _ step: HeadStep, born: Range<Int32>, in room: inout MutableSpan<Float>
  ) -> (row: Int, cost: Float)? {
    check(slot)
    precondition(room.count >= 2 * count, "two numbers for each row")
    return unsafe room.withUnsafeMutableBufferPointer { buffer in
      let costs = buffer.baseAddress!
      return unsafe (costs + count).withMemoryRebound(to: Int32.self, capacity: count) { list in
        let others = unsafe Kernels.list(
          births: rows.births, born: born, without: slot, first: step.prefixRows, rows: count,
          into: list)
        return unsafe cheapestMerge(slot, others, costs)
      }
    }
  }

  private func cheapestMerge(
    _ slot: Int, _ others: UnsafeBufferPointer<Int32>, _ costs: UnsafeMutablePointer<Float>
  ) -> (row: Int, cost: Float)? {
    unsafe rows.mergeCosts(slot, others, adds: false, into: costs)
    if let twin = unsafe twin { unsafe twin.mergeCosts(slot, others, adds: true, into: costs) }
    return unsafe MergeScores.lower(rows.scores, of: others, to: costs)
  }

  /// The next row behind `slot`, of those born before `birth`, that has the same score, if this is
  /// what merging the two costs.
  ///
  /// - Complexity: O(count + headDimension).
  func equalMerge(_ slot: Int, before birth: Int32) -> Int? {
    let score = score(slot)
    guard
      let other = unsafe MergeScores.row(
        of: score, in: rows.scores, births: rows.births, before: birth, first: slot + 1,
        rows: count)
    else { return nil }
    var (place, cost) = (Int32(other), Float.infinity)
    let found = unsafe withUnsafePointer(to: &place) {
      unsafe cheapestMerge(slot, UnsafeBufferPointer(start: $0, count: 1), &cost)
    }
    return found?.cost == score ? other : nil
  }

  /// The row with the lowest score among those born before `birth`, the prefix left out, the first
  /// of equal ones; nil if there is none.
  func lowestScore(_ step: HeadStep, before birth: Int32) -> Int? {
    unsafe MergeScores.lowest(
      rows.scores, births: rows.births, before: birth, first: step.prefixRows, rows: count)
  }

  // MARK: - What may go

  /// The birth from which on rows belong to the newest `window` and stay.
  ///
  /// Where a step appends several rows, a step that would fit in part is left out.
  /// - Complexity: O(1) for a row a step, else O(window * count).
  public func firstKeptBirth(window: Int, _ step: HeadStep) -> Int32 {
    if step.rowsPerStep == 1 { return step.now - Int32(window) + 1 }
    var first = step.now + 1
    var room = window
    while first > 0 {
      var rows = 0
      for slot in step.prefixRows..<count where birth(slot) == first - 1 { rows += 1 }
      if rows > room { break }
      room -= rows
      first -= 1
    }
    return first
  }
}
