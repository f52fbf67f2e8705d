import Foundation
import HeadKVMath

extension CacheSnapshot {
  /// Throws unless a session under `policy` can go on from here: the shape and the policy are those
  /// of the session that was saved, and every number is one that it could have held.
  ///
  /// - Parameter leader: the session whose plans the restored one is to follow.
  /// - Complexity: O(bytes).
  func check(_ policy: CachePolicy, sharingWith leader: CacheSession?) throws(SnapshotError) {
    guard shape == policy.shape else {
      throw SnapshotError("the shape", "\(shape)", "\(policy.shape)")
    }
    guard notes.policy == policy.name else {
      throw SnapshotError("the policy", "'\(notes.policy)'", "'\(policy.name)'")
    }
    try checkProgress()
    try checkBudgets(policy)
    try checkSizes()
    try checkCounts(policy, leader)
    try checkColumns()
    try checkWatch(policy, isFollower: leader != nil)
  }

  private func require(
    _ name: String, _ value: Int, _ range: ClosedRange<Int>
  ) throws(SnapshotError) {
    guard range.contains(value) else {
      throw SnapshotError(name, "\(value)", "between \(range.lowerBound) and \(range.upperBound)")
    }
  }

  private func checkProgress() throws(SnapshotError) {
    try require("tokens", notes.tokens, 0...shape.grid.count - 1)
    let least = notes.tokens > 0 ? shape.prefixRows : 0
    try require("prefixRows", notes.prefixRows, least...shape.prefixRows)
    try require("steps", Int(notes.steps), 0...notes.prefixRows + notes.tokens)
    try require("updatedAt", notes.updatedAt, 0...notes.tokens)
  }

  private func checkBudgets(_ policy: CachePolicy) throws(SnapshotError) {
    try checkHeads("budgets", notes.budgets)
    for budget in notes.budgets.values {
      try require(
        "a budget", budget.rows, shape.prefixRows + 1...max(shape.fullRows, shape.prefixRows + 1))
      try require("a window", budget.window, 0...budget.rows)
    }
    let isRevised = policy.budgeter.revisions.first.map { $0 <= notes.tokens } ?? false
    guard isRevised || (notes.budgets == policy.opening && notes.curves.isEmpty) else {
      throw SnapshotError("budgets", "others than at the start", "those, until they are revised")
    }
    let total = notes.budgets.values.reduce(0) { $0 + $1.rows }
    var most = policy.opening.values.reduce(0) { $0 + $1.rows }
    if isRevised {
      let later = policy.budgeter.mostRows(shape)
      most = policy.nextLayout(after: notes.tokens) == nil ? later : max(most, later)
    }
    try require("rows of all budgets", total, 0...most)
    let bytes = shape.byteCount(
      capacities: policy.capacities(notes.budgets, after: notes.tokens))
    try require("bytes of the budgets", bytes, 0...policy.memory.capBytes)
    guard notes.curves.isEmpty || notes.curves.count == shape.allHeads else {
      throw SnapshotError("curves", "\(notes.curves.count)", "\(shape.allHeads)")
    }
    for point in notes.curves.joined() {
      try require("rows of a curve", point.rows, 1...2 * shape.fullRows)
      try require("window of a curve", point.window, 0...shape.fullRows)
      try require("pool of a curve", point.pool, 0...shape.fullRows)
      guard point.error.isFinite, point.error >= 0 else {
        throw SnapshotError("error of a curve", "\(point.error)", "a number that is not negative")
      }
    }
    if let profile = notes.profile {
      try checkHeads("profile", profile.heads)
      guard profile.grid == shape.grid, profile.prefixRows == shape.prefixRows else {
        throw SnapshotError("profile", "of another grid or prefix", "of the sequence")
      }
    }
  }

  private func checkHeads<Value>(
    _ name: String, _ map: HeadMap<Value>
  ) throws(SnapshotError) {
    guard map.layers == shape.layers, map.heads == shape.heads else {
      throw SnapshotError(
        name, "of \(map.layers) layers with \(map.heads) heads",
        "of \(shape.layers) with \(shape.heads)")
    }
  }

  private func checkSizes() throws(SnapshotError) {
    try checkHeads("counts", rows.counts)
    var total = 0
    for count in rows.counts.values {
      try require("rows of a head", count, notes.prefixRows...notes.prefixRows + notes.tokens)
      total += count
    }
    let bytes = total * shape.headDimension * shape.element.byteCount
    let scales = shape.element.row.isScaled ? total : 0
    for (name, found, expected) in [
      ("bytes of keys", rows.keys.count, bytes), ("bytes of values", rows.values.count, bytes),
      ("scales of keys", rows.keyScales.count, scales),
      ("scales of values", rows.valueScales.count, scales),
      ("positions", rows.positions.count, total), ("births", rows.births.count, total),
      ("scores", rows.scores.count, total), ("biases", rows.biases.count, total),
    ] where found != expected {
      throw SnapshotError(name, "\(found)", "\(expected)")
    }
  }

  /// Heads have room for what they hold and for what comes until they are next relieved.
  private func checkCounts(
    _ policy: CachePolicy, _ leader: CacheSession?
  ) throws(SnapshotError) {
    let due = policy.schedule.remaining(after: notes.tokens)
    let overshoot = shape.rowsPerStep - 1
    var growth = shape.prefixRows - notes.prefixRows + shape.grid.count - 1 - notes.tokens
    if !(policy.eviction is KeepAll) {
      growth = min(growth, (due == 0 ? policy.schedule.period : due) + overshoot)
    }
    if let revision = policy.nextLayout(after: notes.tokens) {
      growth = min(growth, revision - notes.tokens + overshoot)
    }
    let capacities = policy.capacities(notes.budgets, after: notes.tokens)
    for (count, capacity) in zip(rows.counts.values, capacities.values) {
      try require("rows of a head", count, 0...max(capacity - growth, 0))
    }
    guard let leader else { return }
    guard leader.budgets == notes.budgets, leader.tokens == notes.tokens,
      leader.steps == notes.steps
    else { throw SnapshotError("a branch", "of another time", "as the one that it follows") }
    for layer in 0..<shape.layers {
      for head in 0..<shape.heads {
        let most = leader.count(layer: layer, head: head)
        try require("rows of a branch's head", rows.counts[layer, head], most...most)
      }
    }
  }

  private func checkColumns() throws(SnapshotError) {
    var row = 0
    for count in rows.counts.values {
      for slot in 0..<count {
        let isPrefix = slot < notes.prefixRows
        try require(
          "a position", Int(rows.positions[row]),
          isPrefix ? Int(Int32.min)...(-1) : 0...shape.grid.count - 1)
        try require("a birth", Int(rows.births[row]), 0...max(Int(notes.steps) - 1, 0))
        row += 1
      }
    }
    // A row stands for as many tokens as there can be.
    let most = Float(shape.fullRows + 1)
    guard rows.biases.allSatisfy({ $0 >= 0 && $0 <= log(most) }) else {
      throw SnapshotError("a bias", "out of range", "the logarithm of 1 to \(Int(most)) tokens")
    }
    try checkFinite("a score", rows.scores)
    try checkFinite("a scale", rows.keyScales)
    try checkFinite("a scale", rows.valueScales)
    guard Self.areFinite(rows.keys, shape.element), Self.areFinite(rows.values, shape.element)
    else { throw SnapshotError("a key or value", "not finite", "a number") }
  }

  private func checkFinite(_ name: String, _ values: [Float]) throws(SnapshotError) {
    guard values.allSatisfy(\.isFinite) else { throw SnapshotError(name, "not finite", "a number") }
  }

  /// Whether no element of a little-endian run has all bits of its exponent set.
  private static func areFinite(_ bytes: [UInt8], _ element: CacheElement) -> Bool {
    let (size, mask): (Int, UInt16) =
      switch element {
      case .f32: (4, 0x7f80)
      case .f16: (2, 0x7c00)
      case .bf16: (2, 0x7f80)
      case .int8: (1, 0)
      }
    if element == .int8 { return true }
    return stride(from: size, through: bytes.count, by: size).allSatisfy { end in
      (UInt16(bytes[end - 1]) << 8 | UInt16(bytes[end - 2])) & mask != mask
    }
  }

  private func checkWatch(
    _ policy: CachePolicy, isFollower: Bool
  ) throws(SnapshotError) {
    let isWatched =
      !isFollower
      && policy.budgeter.watches(
        hasProfile: notes.profile != nil,
        isProfiling: policy.nextLayout(after: notes.tokens) != nil)
    let fresh = isWatched ? HeadWatch(shape, policy.budgeter)?.snapshot() : nil
    for (name, found, expected) in [
      ("sums of a profile", watch?.sums.count, fresh?.sums.count),
      ("queries", watch?.queries.count, fresh?.queries.count),
      ("steps of queries", watch?.births.count, fresh?.births.count),
    ] where found != expected {
      throw SnapshotError(name, "\(found ?? 0)", "\(expected ?? 0)")
    }
    guard let watch else { return }
    // Sums of masses, reaches and queries; far from any number that an integer cannot hold.
    guard watch.sums.allSatisfy({ $0 >= 0 && $0 <= 1e9 }) else {
      throw SnapshotError("a sum of a profile", "out of range", "between 0 and 1e9")
    }
    guard watch.queries.allSatisfy({ $0 & 0x7c00 != 0x7c00 }) else {
      throw SnapshotError("a query", "not finite", "a number")
    }
    for birth in watch.births {
      try require("a step of a query", Int(birth), -1...max(Int(notes.steps) - 1, -1))
    }
  }
}
