import HeadKVCache
import Testing

private let shape = SequenceShape(
  layers: 2, heads: 3, headDimension: 8, prefixRows: 1, grid: TokenGrid(width: 16, height: 16))

@Suite struct WindowPolicyTests {
  /// Draws a sequence and keeps the set of births that ought to be live.
  @Test(arguments: [2, 3, 26, 43, 255]) func keepsPrefixAndNewest(rows: Int) {
    let policy = WindowPolicy(rows: rows)
    var cache = LayerCache(
      headDimension: 1, capacities: [policy.capacity(layer: 0, head: 0, shape: shape)])
    for now in 0..<Int32(256) {
      let element: [Float] = [Float(now)]
      cache.append(
        head: 0, key: element.span, value: element.span,
        row: CacheRow(position: now - 1, birth: now))
      let count = cache.count(head: 0)
      let births = (0..<count).map { cache.row(head: 0, slot: $0).birth }
      let positions = births.map { $0 - 1 }
      let weights = [Float](repeating: 1 / Float(count), count: count)
      let biases = [Float](repeating: 0, count: count)
      var scores = [Float](repeating: 0, count: count)
      var span = scores.mutableSpan
      var plan = EvictionPlan()
      policy.plan(
        HeadStep(
          layer: 0, head: 0, now: now, prefixRows: 1, newRows: 1, queries: 1, grid: shape.grid),
        positions: positions.span, births: births.span, biases: biases.span, weights: weights.span,
        scores: &span, into: &plan)
      cache.apply(plan, head: 0)
      let live = Set((0..<cache.count(head: 0)).map { cache.row(head: 0, slot: $0).birth })
      let newest = Set((0...now).suffix(rows - 1))
      #expect(live == newest.union([0]).union(now < rows ? Set(0...now) : []))
      #expect(cache.row(head: 0, slot: 0).isPrefix)
      #expect(live.count <= rows)
    }
  }
}

@Suite struct CacheBudgetTests {
  @Test(arguments: [
    ("1/6", 43), ("1/10", 26), ("17%", 44), ("43rows", 43), ("0.5", 128), ("100%", 256),
    ("999 rows", 256),
  ]) func rows(text: String, expected: Int) throws {
    #expect(try CacheBudget(parsing: text).rowsPerHead(shape) == expected)
  }

  @Test(arguments: ["", "x", "1/0", "-1", "0", "0%", "101%", "0rows", "nan", "1e999", "MiB", "/", "1/2/3", "0b", "-5rows"])
  func refuses(text: String) {
    #expect(throws: CacheBudgetError.self) { try CacheBudget(parsing: text) }
  }

  @Test func tooSmallNamesTheNeed() throws {
    #expect(throws: CacheBudgetError.tooSmall(rows: 1, needed: 2)) {
      try CacheBudget(parsing: "1row").rowsPerHead(shape)
    }
  }

  /// A budget in bytes is never exceeded by what is allocated, and not missed by a whole row.
  @Test(arguments: [20_000, 60_000, 123_457, 400_000]) func bytesHold(limit: Int) throws {
    let rows = try CacheBudget.bytes(limit).rowsPerHead(shape)
    let held = SequenceCache(shape, policy: WindowPolicy(rows: rows)).byteCount
    #expect(held <= limit)
    let more = SequenceCache(shape, policy: WindowPolicy(rows: rows + 16)).byteCount
    #expect(more > limit || rows == shape.fullRows)
  }

  @Test func catalogMakesPolicies() throws {
    #expect(try PolicyCatalog.make("full", budget: nil, shape: shape) is FullPolicy)
    #expect(try PolicyCatalog.make("window", budget: .share(1), shape: shape) is FullPolicy)
    let window = try PolicyCatalog.make("window", budget: .share(1.0 / 6), shape: shape)
    #expect((window as? WindowPolicy)?.rows == 43)
    #expect(throws: PolicyError.budgetMissing("window")) {
      try PolicyCatalog.make("window", budget: nil, shape: shape)
    }
    #expect(throws: PolicyError.unknown("x")) {
      try PolicyCatalog.make("x", budget: nil, shape: shape)
    }
  }
}
