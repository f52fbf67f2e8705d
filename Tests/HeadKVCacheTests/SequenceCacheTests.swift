import HeadKVCache
import HeadKVMath
import Testing

@Suite struct SequenceCacheTests {
  /// Random appends and re-carvings in one arena against a list of row numbers for each head.
  @Test(arguments: 0..<12, CacheElement.allCases)
  func recarvingKeepsContents(seed: Int, element: CacheElement) {
    var random = SplitMix(state: UInt64(seed))
    let size = [1, 5, 32, 100][seed % 4]
    let shape = SequenceShape(
      layers: 3, heads: 2, headDimension: size, prefixRows: 0,
      grid: TokenGrid(width: 9, height: 9), element: element)
    let limit = shape.byteCount(rowsPerHead: 80)
    var capacities = HeadMap(repeating: 5, layers: 3, heads: 2)
    var cache = SequenceCache(shape, capacities: capacities, limit: limit)
    var shadow = HeadMap(repeating: [Int](), layers: 3, heads: 2)
    for round in 1..<60 {
      for layer in 0..<3 {
        for head in 0..<2 where !Int.random(in: 0...2, using: &random).isMultiple(of: 3) {
          guard cache.count(layer: layer, head: head) < capacities[layer, head] else { continue }
          let key = [Float](repeating: Float(round * 10 + layer * 2 + head), count: size)
          let value = key.map { -$0 }
          unsafe cache.rows(layer: layer, head: head).append(
            key: key, value: value,
            CacheRow(position: Int32(round), birth: Int32(-round), bias: Float(head)))
          shadow[layer, head].append(round)
        }
      }
      if round % 3 == 0 {
        capacities = HeadMap(layers: 3, heads: 2) {
          shadow[$0, $1].count + Int.random(in: 0...20, using: &random)
        }
        cache.recarve(capacities: capacities)
        #expect(cache.byteCount == shape.byteCount(capacities: capacities))
        #expect(cache.byteCount <= cache.limit && cache.limit == limit)
      }
      for layer in 0..<3 {
        for head in 0..<2 {
          let rows = unsafe cache.rows(layer: layer, head: head)
          let expected = shadow[layer, head]
          #expect(unsafe rows.count == expected.count && rows.capacity == capacities[layer, head])
          for (slot, number) in expected.enumerated() {
            let mark = [Float](repeating: Float(number * 10 + layer * 2 + head), count: size)
            let expected = ReferenceRows.rounded(mark, element.row)
            var (key, value) = (mark, mark)
            unsafe rows.keys.load(slot, into: &key)
            unsafe rows.values.load(slot, into: &value)
            #expect(key == expected && value == expected.map { -$0 })
            let row = cache.row(layer: layer, head: head, slot: slot)
            #expect(
              row
                == CacheRow(
                  position: Int32(number), birth: Int32(-number), bias: Float(head)))
          }
        }
      }
    }
  }

  /// However rows are split, the bound on bytes holds.
  @Test(arguments: [1, 4, 7, 16, 64, 100], CacheElement.allCases)
  func boundHolds(size: Int, element: CacheElement) {
    var random = SplitMix(state: UInt64(size))
    let shape = SequenceShape(
      layers: 4, heads: 3, headDimension: size, prefixRows: 1,
      grid: TokenGrid(width: 9, height: 9), element: element)
    for _ in 0..<200 {
      let capacities = HeadMap(layers: 4, heads: 3) { _, _ in
        Int.random(in: 0...90, using: &random)
      }
      let rows = capacities.values.reduce(0, +)
      let bytes = shape.byteCount(capacities: capacities)
      #expect(bytes <= shape.mostBytes(rows: rows))
      // Rows and their columns, a line of padding a run at most, and the last page.
      let net = rows * (element.byteCount(headDimension: size) + 16)
      #expect(bytes >= net && bytes < net + 12 * 8 * 64 + 4096)
    }
  }

  /// The order of rows means nothing to attention.
  @Test(arguments: [1, 2, 17, 64]) func attentionIgnoresTheOrder(count: Int) {
    var random = SplitMix(state: UInt64(count))
    let size = 32
    func numbers(_ count: Int) -> [Float] {
      (0..<count).map { _ in .random(in: -1...1, using: &random) }
    }
    let keys = (0..<count).map { _ in numbers(size) }
    let values = (0..<count).map { _ in numbers(size) }
    let biases = numbers(count)
    let query = numbers(size)
    func attend(_ order: [Int]) -> (out: [Float], weights: [Float]) {
      var cache = LayerCache(headDimension: size, capacities: [count])
      for row in order {
        let (key, value) = (keys[row], values[row])
        cache.append(
          head: 0, key: key.span, value: value.span,
          row: CacheRow(position: 0, birth: Int32(row), bias: biases[row]))
      }
      let rows = unsafe cache.rows(0)
      var weights = [Float](repeating: 0, count: count)
      var out = [Float](repeating: 0, count: size)
      unsafe rows.attend(query: query, scale: 0.2, weights: &weights, out: &out)
      return (out, weights)
    }
    let plain = attend(Array(0..<count))
    for _ in 0..<20 {
      let order = Array(0..<count).shuffled(using: &random)
      let shuffled = attend(order)
      for column in 0..<size { #expect(abs(shuffled.out[column] - plain.out[column]) < 1e-5) }
      for (slot, row) in order.enumerated() {
        #expect(abs(shuffled.weights[slot] - plain.weights[row]) < 1e-6)
      }
    }
  }
}
