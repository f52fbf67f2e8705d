import HeadKVCache
import Testing

private let shape = SequenceShape(
  layers: 2, heads: 3, headDimension: 8, prefixRows: 1, grid: TokenGrid(width: 16, height: 16))

@Suite struct WindowPolicyTests {
  /// Draws a sequence and keeps the set of births that ought to be live.
  @Test(arguments: [2, 3, 26, 43, 255]) func keepsPrefixAndNewest(rows: Int) throws {
    let policy = try PolicyCatalog.make("window", budget: .rows(rows), shape: shape)
    let session = CacheSession(policy)
    for now in 0..<Int32(256) {
      session.advance(shape, step: Int(now))
      for layer in 0..<2 {
        let count = session.count(layer: layer, head: 1)
        let live = Set((0..<count).map { session.row(layer: layer, head: 1, slot: $0).birth })
        let newest = Set((0...now).suffix(rows - 1))
        #expect(live == newest.union([0]).union(now < rows ? Set(0...now) : []))
        #expect(session.row(layer: layer, head: 1, slot: 0).isPrefix)
        #expect(live.count <= rows)
      }
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
    func held(_ rows: Int) throws -> Int {
      let policy = try PolicyCatalog.make("window", budget: .rows(rows), shape: shape)
      let bytes = CacheSession(policy).byteCount
      #expect(bytes == policy.memory.capBytes)
      return bytes
    }
    #expect(try held(rows) <= limit)
    let more = try held(rows + 16)
    #expect(more > limit || rows == shape.fullRows)
  }

  @Test func catalogMakesPolicies() throws {
    let full = try PolicyCatalog.make("full", budget: nil, shape: shape)
    #expect(full.eviction is KeepAll && full.opening.values.allSatisfy { $0.rows == 256 })
    #expect(try PolicyCatalog.make("window", budget: .share(1), shape: shape).eviction is KeepAll)
    let window = try PolicyCatalog.make("window", budget: .share(1.0 / 6), shape: shape)
    #expect(window.eviction is WindowEviction)
    #expect(window.opening.values.allSatisfy { $0.rows == 43 && $0.window == 42 })
    #expect(throws: PolicyError.budgetMissing("window")) {
      try PolicyCatalog.make("window", budget: nil, shape: shape)
    }
    #expect(throws: PolicyError.unknown("x")) {
      try PolicyCatalog.make("x", budget: nil, shape: shape)
    }
  }
}
