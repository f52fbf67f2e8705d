import Foundation
import HeadKVCache
import HeadKVMath
import Testing

@Suite struct CacheElementTests {
  /// Attention over a head that has rows of all kinds, some of them merged, against plain loops and
  /// OpenBLAS over what its rows stand for.
  @Test(arguments: CacheElement.allCases, [1, 7, 16, 32, 33, 64, 100])
  func attentionEqualsTheReference(element: CacheElement, size: Int) {
    var random = SplitMix(state: UInt64(size))
    var cache = LayerCache(headDimension: size, capacities: [3, 90], element: element)
    func numbers() -> [Float] { (0..<size).map { _ in .random(in: -2...2, using: &random) } }
    for step in 0..<90 {
      let (key, value) = (numbers(), numbers())
      cache.append(
        head: 1, key: key.span, value: value.span,
        row: CacheRow(position: Int32(step), birth: Int32(step)))
    }
    var plan = EvictionPlan()
    for slot in stride(from: 3, to: 60, by: 4) { plan.merge(slot: slot, into: slot + 1) }
    for slot in [70, 2, 81] { plan.evict(slot: slot) }
    cache.apply(plan, head: 1)

    let rows = unsafe cache.rows(1)
    let count = unsafe rows.count
    let biases = (0..<count).map { cache.row(head: 1, slot: $0).bias }
    #expect(count == 72 && biases.filter { abs($0 - log(2)) < 1e-6 }.count == 15)
    var (keys, values): ([Float], [Float]) = ([], [])
    for slot in 0..<count {
      var row = [Float](repeating: .nan, count: size)
      var span = row.mutableSpan
      cache.copyKey(head: 1, slot: slot, into: &span)
      keys += row
      span = row.mutableSpan
      cache.copyValue(head: 1, slot: slot, into: &span)
      values += row
    }
    let (query, scale) = (numbers(), 1 / Float(size).squareRoot())
    var weights = [Float](repeating: .nan, count: count)
    var out = [Float](repeating: .nan, count: size)
    unsafe rows.attend(query: query, scale: scale, weights: &weights, out: &out)
    let exact = ReferenceKernels.attend(
      query: query, keys: keys, values: values, bias: biases, rows: count, scale: scale)
    let library = BLASAttention.attend(
      query: query, keys: keys, values: values, bias: biases, rows: count, scale: scale)
    // Logits are sums of `size` products of at most 4, the output one of `count` values below 2.
    let logits = 2 * Double(size + 4) * 0x1p-24 * 4 * Double(size) * Double(scale)
    let bound = logits + Double(count + 16) * 0x1p-24
    for slot in 0..<count {
      #expect(abs(Double(weights[slot]) - exact.weights[slot]) <= bound * exact.weights[slot])
      #expect(
        abs(Double(library.weights[slot]) - exact.weights[slot]) <= bound * exact.weights[slot])
    }
    for column in 0..<size {
      #expect(abs(Double(out[column]) - exact.out[column]) <= 2 * bound)
      #expect(abs(Double(library.out[column]) - exact.out[column]) <= 2 * bound)
    }
  }

  private func shape(_ element: CacheElement) -> SequenceShape {
    SequenceShape(
      layers: 12, heads: 12, headDimension: 64, prefixRows: 1,
      grid: TokenGrid(width: 24, height: 24), element: element)
  }

  @Test func bytesOfARow() {
    let bytes = CacheElement.allCases.map { $0.byteCount(headDimension: 64) }
    #expect(CacheElement.allCases == [.f32, .f16, .bf16, .int8])
    #expect(bytes == [512, 256, 256, 136])
    // Beside each row stand position, birth, score and bias.
    for (element, bytes) in zip(CacheElement.allCases, bytes) {
      let net = 576 * 144 * (bytes + 16)
      let held = shape(element).byteCount(rowsPerHead: 576)
      #expect(held >= net && held < net + net / 100)
    }
  }

  /// The same bytes hold as many more rows as a row is smaller; never more bytes than asked.
  @Test func aBudgetInBytesBuysMoreRows() throws {
    let asked = CacheBudget.bytes(8 << 20)
    let rows = try CacheElement.allCases.map { try asked.rowsPerHead(shape($0)) }
    #expect(rows[1] == rows[2])
    for (element, rows) in zip(CacheElement.allCases, rows) {
      let perRow = Double(element.byteCount(headDimension: 64) + 16)
      // All but a row of each head, the lines that its runs may leave unused, and a page.
      let left = 8_388_608 - Double(rows + 1) * perRow * 144
      #expect(left >= 0 && left < (perRow + 8 * 64) * 144 + 4096)
      let policy = try PolicyCatalog.make("window", budget: asked, shape: shape(element))
      #expect(policy.memory.capBytes <= 8 << 20)
      let cache = SequenceCache(
        policy.shape, capacities: HeadMap(repeating: rows + 1, layers: 12, heads: 12))
      #expect(cache.byteCount == policy.memory.capBytes)
    }
  }

  /// What is asked for decides, else the sequences' shape.
  @Test func choicesNameTheType() throws {
    let chosen = PolicyChoice("window", budget: .rows(9), element: .int8)
    #expect(try chosen.policy(for: shape(.f32)).shape == shape(.int8))
    let open = PolicyChoice("window", budget: .rows(9))
    #expect(try open.policy(for: shape(.bf16)).shape == shape(.bf16))
  }

  /// Heads are measured on what the cache holds: types that round little measure nearly the same.
  @Test(arguments: [CacheElement.f16, .bf16, .int8])
  func autoSeesWhatIsHeld(element: CacheElement) throws {
    func budgets(_ element: CacheElement) throws -> [Int] {
      let shape = SequenceShape(
        layers: 1, heads: 3, headDimension: 8, prefixRows: 1,
        grid: TokenGrid(width: 8, height: 8), element: element)
      let session = CacheSession(
        try PolicyCatalog.make("auto", budget: .share(0.25), shape: shape))
      var random = SplitMix(state: 9)
      while session.tokens < 63 {
        session.advance(
          shape, step: Int(session.steps),
          key: { _, head in
            (0..<8).map { _ in .random(in: -1...1, using: &random) * Float(head + 1) }
          })
      }
      return session.budgets.values.map(\.rows)
    }
    let (exact, found) = (try budgets(.f32), try budgets(element))
    #expect(exact.reduce(0, +) == found.reduce(0, +))
    for (a, b) in zip(exact, found) { #expect(abs(a - b) <= 2) }
  }
}
