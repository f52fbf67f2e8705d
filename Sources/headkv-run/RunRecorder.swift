import HeadKV
import Synchronization

/// Records what a picture's cache holds while it is drawn, for a report.
final class RunRecorder: CacheObserver {
  struct Row: Sendable {
    var cell: Int
    var count: Int
  }

  struct State: Sendable {
    var liveRows: [Double] = []
    /// Live rows of all heads at each of the moments.
    var kept: [[[Row]]] = []
    var budgets: HeadKV.HeadMap<HeadBudget>?
    var profilingSteps = 0
  }

  let moments: [Int]
  private let state = Mutex(State())
  /// Profiles the heads beside the policy, from the second and third row of the grid.
  let profiler: HeadProfiler

  init(_ shape: SequenceShape) {
    let tokens = shape.grid.count
    moments = [tokens / 8, tokens / 4, tokens / 2, tokens * 3 / 4, tokens - 1]
    let width = shape.grid.width
    profiler = HeadProfiler(
      shape, tokens: min(width, tokens - 1)..<min(3 * width, tokens))
  }

  var result: State { state.withLock { $0 } }

  func stepped(_ session: CacheSession) {
    let shape = session.shape
    state.withLock { state in
      state.liveRows.append(Double(session.liveRows))
      if session.isProfiling { state.profilingSteps += 1 }
      state.budgets = session.budgets
      guard moments.contains(session.tokens), state.kept.count < moments.count else { return }
      var heads: [[Row]] = []
      for layer in 0..<shape.layers {
        for head in 0..<shape.heads {
          heads.append(
            (0..<session.count(layer: layer, head: head)).map {
              let row = session.row(layer: layer, head: head, slot: $0)
              return Row(cell: Int(row.position), count: row.tokens)
            })
        }
      }
      state.kept.append(heads)
    }
  }
}
