import HeadKVCache
import Testing

private let policies = PolicyCatalog.all.map(\.name).filter { $0 != "full" }

@Suite struct PolicyLawTests {
  private func shape(rowsPerStep: Int = 1, element: CacheElement = .f32) -> SequenceShape {
    SequenceShape(
      layers: 2, heads: 3, headDimension: 5, prefixRows: 2, grid: TokenGrid(width: 8, height: 8),
      rowsPerStep: rowsPerStep, element: element)
  }

  /// No head above its plan, no prefix row and none of the newest gone, no byte above the cap and
  /// none that is not reported: after every step, with weights and keys at random.
  @Test(arguments: policies, ["4rows", "9rows", "1/4", "20rows", "50%", "20KiB", "100%"])
  func lawsHold(name: String, budget: String) throws {
    for (rowsPerStep, element) in [
      (1, CacheElement.f32), (3, .f32), (1, .f16), (1, .bf16), (1, .int8), (3, .int8),
    ] {
      let shape = shape(rowsPerStep: rowsPerStep, element: element)
      let asked = try CacheBudget(parsing: budget)
      let policy = try PolicyCatalog.make(name, budget: asked, shape: shape)
      let session = CacheSession(policy)
      var random = SplitMix(state: 5)
      var step = 0
      while session.tokens < 63 {
        let rows = step < 2 ? 1 : min(.random(in: 1...rowsPerStep, using: &random), 63 - session.tokens)
        session.advance(
          shape, step: step, rows: rows,
          logits: { _, _, _ in .random(in: -9...9, using: &random) },
          key: { _, _ in (0..<5).map { _ in .random(in: -1...1, using: &random) } })
        step += 1
        check(session, policy, rowsPerStep)
      }
      let total = session.budgets.values.reduce(0) { $0 + $1.rows }
      if !session.isProfiling {
        let rows = try asked.rowsPerHead(shape, slack: policy.slack)
        #expect(total <= rows * shape.allHeads)
      }
      if case .bytes(let limit) = asked { #expect(policy.memory.steadyBytes <= limit) }
      if budget == "100%" { #expect(session.liveRows == 65 * 6 && policy.eviction is KeepAll) }
    }
  }

  private func check(_ session: CacheSession, _ policy: CachePolicy, _ rowsPerStep: Int) {
    let shape = session.shape
    var capacities: [[Int]] = []
    for layer in 0..<shape.layers {
      capacities.append([])
      for head in 0..<shape.heads {
        let budget = session.budgets[layer, head]
        let rows = (0..<session.count(layer: layer, head: head)).map {
          session.row(layer: layer, head: head, slot: $0)
        }
        #expect(rows.count <= min(budget.rows + policy.slack, shape.fullRows))
        #expect(budget.window <= budget.rows - shape.prefixRows)
        #expect(rows.prefix(2).map { Int($0.birth) } == Array(0..<min(2, Int(session.steps))))
        let births = Set(rows.map(\.birth))
        // Of several rows a step a window may leave out a step that would fit in part.
        let newest = rowsPerStep == 1 ? budget.window : budget.window / rowsPerStep
        for age in 0..<max(min(Int32(newest), session.steps - 2), 0) {
          #expect(births.contains(session.steps - 1 - age))
        }
        #expect(rowsPerStep > 1 || births.count == rows.count)
        capacities[layer].append(session.capacity(layer: layer, head: head))
      }
    }
    let map = HeadMap(layers: shape.layers, heads: shape.heads) { capacities[$0][$1] }
    #expect(session.byteCount == shape.byteCount(capacities: map) + session.watchByteCount)
    #expect((session.watchByteCount > 0) == (session.profile == nil && policy.budgeter.profiling != nil))
    #expect(session.byteCount <= policy.memory.capBytes)
    if session.watchByteCount == 0 && !session.isProfiling {
      #expect(session.byteCount <= policy.memory.steadyBytes)
    }
  }

  /// Numbers that are none do not bring a cache down.
  @Test(arguments: policies, CacheElement.allCases)
  func survivesNaN(name: String, element: CacheElement) throws {
    let shape = shape(element: element)
    let session = CacheSession(try PolicyCatalog.make(name, budget: .rows(9), shape: shape))
    for step in 0..<65 {
      session.advance(
        shape, step: step, logits: { _, _, _ in .nan }, key: { _, _ in Array(repeating: .nan, count: 5) })
      #expect(session.mostLiveRows <= 50)
    }
  }

  @Test func optionsAreChecked() throws {
    func make(_ name: String, _ options: [String: String]) throws -> CachePolicy {
      try PolicyCatalog.make(name, budget: .rows(20), options: options, shape: shape())
    }
    #expect(
      throws: PolicyError.unknownOption(policy: "h2o", name: "tau", known: ["recent"])
    ) { try make("h2o", ["tau": "1"]) }
    for (name, option, value) in [
      ("h2o", "recent", "2"), ("h2o", "recent", "x"), ("h2o", "recent", "nan"),
      ("snapkv", "kernel", "4"), ("snapkv", "kernel", "0"), ("headkv", "tau", "0"),
      ("headkv", "domain", "none"), ("headkv", "spend", "true"), ("headkv", "period", "-1"),
      ("line", "anchors", "1.5"), ("merge", "budgets", "best"), ("rkv", "lambda", "inf"),
    ] {
      do {
        _ = try make(name, [option: value])
        Issue.record("\(name) took \(option)=\(value)")
      } catch {
        #expect("\(error)".contains("'\(value)'") && "\(error)".contains(option), "\(error)")
      }
    }
    #expect(try make("headkv", ["period": "0"]).schedule == .everyToken)
    #expect(try make("line", ["period": "2"]).slack == 16)
    // A budget that holds before an update leaves room for what comes until then.
    let peak = try make("line", ["peak": "yes"])
    #expect(peak.opening.values.allSatisfy { $0.rows == 12 })
    #expect(throws: PolicyError.self) { try make("line", ["peak": "yes", "period": "3"]) }
  }

  /// The budget of a policy that needs no profile is there from the start; others open for the
  /// profile and are laid out anew when it is complete, which is where the cap is.
  @Test func planIsKnownBeforehand() throws {
    let shape = SequenceShape(
      layers: 12, heads: 12, headDimension: 64, prefixRows: 1,
      grid: TokenGrid(width: 24, height: 24))
    let window = try PolicyCatalog.make("window", budget: .share(1.0 / 6), shape: shape).memory
    #expect(window.profilingBytes == window.steadyBytes && window.steadyRows == 97 * 144)
    #expect(window.capBytes * 5 < window.fullBytes)
    let headkv = try PolicyCatalog.make("headkv", budget: .share(1.0 / 16), shape: shape).memory
    #expect(headkv.profilingRows == (1 + 72) * 144 && headkv.steadyRows == (36 + 24) * 144)
    #expect(headkv.capBytes == headkv.profilingBytes && headkv.steadyBytes < headkv.profilingBytes)
  }
  /// Beside the cache `auto` keeps sums of weights, as `headkv` does, and up to 16 queries of a head
  /// in f16; both are in the plan.
  @Test(arguments: [(16, 16), (24, 12), (32, 16), (5, 5)])
  func queriesAreInThePlan(width: Int, queries: Int) throws {
    let shape = SequenceShape(
      layers: 12, heads: 12, headDimension: 64, prefixRows: 1,
      grid: TokenGrid(width: width, height: width))
    let auto = try PolicyCatalog.make("auto", budget: .share(0.5), shape: shape)
    let headkv = try PolicyCatalog.make(
      "headkv", budget: .share(0.5), options: ["profile": "3"], shape: shape)
    let beside = CacheSession(auto).watchByteCount - CacheSession(headkv).watchByteCount
    #expect(beside == (144 * queries * 64 * 2 + 4095) / 4096 * 4096)
    #expect(CacheSession(auto).byteCount == auto.memory.profilingBytes)
    #expect(CacheSession(headkv).byteCount == headkv.memory.profilingBytes)
  }

  /// A strict budget in bytes holds what is noted of the heads, too.
  @Test(arguments: [16, 20, 24]) func strictBytesHold(kibibytes: Int) throws {
    let limit = kibibytes << 10
    let policy = try PolicyCatalog.make(
      "auto", budget: .bytes(limit), options: ["cap": "strict"], shape: shape())
    #expect(policy.memory.capBytes <= limit && !(policy.eviction is KeepAll))
    let session = CacheSession(policy)
    var random = SplitMix(state: 3)
    for step in 0..<63 {
      session.advance(
        policy.shape, step: step, logits: { _, _, _ in .random(in: -9...9, using: &random) },
        key: { _, _ in (0..<5).map { _ in .random(in: -1...1, using: &random) } })
      #expect(session.byteCount <= limit)
    }
    #expect(session.watchByteCount == 0)
  }
}
