import HeadKVCache
import HeadKVMath

/// The network, layer by layer.
extension DecodeEngine {
  /// Runs all layers on the rows of the input, which the groups share out, and ends the step.
  func runLayers(rows: Int, groups: Int) {
    let x = unsafe scratch.input.rows(0, count: rows)
    let normed = unsafe scratch.normed.rows(0, count: rows)
    let qkv = unsafe scratch.queryKeyValue.rows(0, count: rows)
    let attended = unsafe scratch.attended.rows(0, count: rows)
    let hidden = unsafe scratch.gate.rows(0, count: rows)
    let up = unsafe scratch.up.rows(0, count: rows)
    let linear = scratch.linear
    let units = openStep(groups)
    for (index, layer) in model.layers.enumerated() {
      unsafe model.normalise(x, layer.attentionNorm, into: normed)
      unsafe layer.queryKeyValue.apply(normed, into: qkv, scratch: linear, pool: pool)
      unsafe pool.run(tasks: units * shape.heads, AttentionWork(self, layer: index))
      unsafe layer.attentionOutput.apply(
        attended, into: x, accumulate: true, scratch: linear, pool: pool)
      unsafe model.normalise(x, layer.feedForwardNorm, into: normed)
      unsafe FeedForwardWork.run(layer, normed, gate: hidden, up: up, scratch: linear, pool: pool)
      unsafe layer.down.apply(hidden, into: x, accumulate: true, scratch: linear, pool: pool)
    }
    CacheSession.finishStep(of: groups, pool: pool) { session(group: $0) }
    for group in 0..<groups { session(group: group).notifyObservers() }
  }

  func session(group: Int) -> CacheSession { sessions[unsafe scratch.groups[group].sequence]! }

  /// Opens a step of the groups' sequences and pairs those that share plans; returns how many
  /// units of work the attention of a head makes.
  private func openStep(_ groups: Int) -> Int {
    var units = 0
    for group in 0..<groups {
      let session = session(group: group)
      let (first, rows) = unsafe (scratch.groups[group].firstRow, scratch.groups[group].rows)
      let isPrefix = unsafe scratch.positions[first] < 0
      session.openStep(rows: rows, isPrefix: isPrefix)
      unsafe scratch.sessions[group] = .passUnretained(session)
      // Branches begin one by one; from their first token on they step together.
      if session.isFollower && !isPrefix { continue }
      let twin = isPrefix ? -1 : self.group(of: session.sharing, groups)
      unsafe scratch.units[units] = AttentionUnit(group: group, twin: twin)
      units += 1
    }
    return units
  }

  /// The group in which the follower of a session steps; -1 without one.
  private func group(of follower: CacheSession?, _ groups: Int) -> Int {
    guard let follower else { return -1 }
    for group in 0..<groups where session(group: group) === follower { return group }
    preconditionFailure("sequences that share plans step together")
  }
}

extension GPT {
  /// The model's norm of each row, `[rows, dimension]`.
  func normalise(_ x: FloatMatrix, _ weight: FloatStorage, into out: FloatMatrix) {
    for row in 0..<(unsafe x.rows) {
      unsafe Kernels.rmsNorm(
        x.row(row), weight: weight.base, count: x.columns, epsilon: configuration.normEpsilon,
        into: out.row(row))
    }
  }
}

/// Whose attention is computed together: a group's, with that of the branch that shares its plans.
struct AttentionUnit: Sendable {
  var group: Int
  /// -1 without such a branch.
  var twin: Int
}
