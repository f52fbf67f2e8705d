import HeadKVCache
import HeadKVMath
import Testing

/// A row that can be told from all others by its key.
private func row(_ id: Int, _ size: Int) -> (key: [Float], value: [Float], row: CacheRow) {
  (
    (0..<size).map { Float(id * 100 + $0) }, (0..<size).map { Float(-id * 100 - $0) },
    CacheRow(position: Int32(id) - 1, birth: Int32(id), bias: Float(id) / 8)
  )
}

private func contents(_ cache: borrowing LayerCache, head: Int) -> Set<[Float]> {
  let size = cache.headDimension
  let count = cache.count(head: head)
  var rows: [[Float]] = []
  for slot in 0..<count {
    var (key, value) = ([Float](repeating: 0, count: size), [Float](repeating: 0, count: size))
    var span = key.mutableSpan
    cache.copyKey(head: head, slot: slot, into: &span)
    span = value.mutableSpan
    cache.copyValue(head: head, slot: slot, into: &span)
    rows.append(key + value)
  }
  for slot in 0..<count {
    let row = cache.row(head: head, slot: slot)
    rows[slot] += [Float(row.position), Float(row.birth), row.bias]
  }
  return Set(rows)
}

private func expected(
  _ ids: Set<Int>, _ size: Int, _ element: CacheElement = .f32
) -> Set<[Float]> {
  Set(
    ids.map { id in
      let (key, value, meta) = row(id, size)
      return ReferenceRows.rounded(key, element.row) + ReferenceRows.rounded(value, element.row)
        + [Float(meta.position), Float(meta.birth), meta.bias]
    })
}

@Suite struct LayerCacheTests {
  @Test func appendAndReplace() {
    var cache = LayerCache(headDimension: 3, capacities: [2, 0, 5])
    for id in [1, 2] {
      let (key, value, meta) = row(id, 3)
      #expect(cache.append(head: 0, key: key.span, value: value.span, row: meta) == id - 1)
    }
    #expect(cache.count(head: 0) == 2 && cache.count(head: 1) == 0 && cache.count(head: 2) == 0)
    let (key, value, meta) = row(7, 3)
    cache.replace(head: 0, slot: 0, key: key.span, value: value.span, row: meta)
    #expect(contents(cache, head: 0) == expected([7, 2], 3))
  }

  @Test(arguments: CacheElement.allCases) func bytesAreThoseOfTheAllocation(_ element: CacheElement) {
    for capacities in [[1], [3, 7, 11], [43, 43], [0, 257]] {
      for size in [4, 64, 100] {
        let cache = LayerCache(headDimension: size, capacities: capacities, element: element)
        #expect(
          cache.byteCount
            == LayerCache.byteCount(headDimension: size, capacities: capacities, element: element))
        let net = capacities.reduce(0, +) * (element.byteCount(headDimension: size) + 16)
        #expect(cache.byteCount >= net)
        #expect(cache.byteCount < net + capacities.count * 8 * 64 + 1)
      }
    }
  }

  /// Random appends, replacements, evictions and re-carvings against a set of row numbers.
  @Test(arguments: 0..<40, CacheElement.allCases)
  func agreesWithShadow(seed: Int, element: CacheElement) {
    var random = SplitMix(state: UInt64(seed))
    let size = [1, 4, 32, 100][seed % 4]
    var capacities = [6, 17, 40]
    var cache = LayerCache(headDimension: size, capacities: capacities, element: element)
    var shadow: [[Int]] = [[], [], []]
    var next = 1
    var plan = EvictionPlan(reserving: 8)
    for _ in 0..<300 {
      let head = Int(random.next() % 3)
      switch random.next() % 8 {
      case 0...4 where shadow[head].count < capacities[head]:
        let (key, value, meta) = row(next, size)
        cache.append(head: head, key: key.span, value: value.span, row: meta)
        shadow[head].append(next)
        next += 1
      case 5 where !shadow[head].isEmpty:
        let slot = Int(random.next() % UInt64(shadow[head].count))
        let gone = Int(cache.row(head: head, slot: slot).birth)
        let (key, value, meta) = row(next, size)
        cache.replace(head: head, slot: slot, key: key.span, value: value.span, row: meta)
        shadow[head].removeAll { $0 == gone }
        shadow[head].append(next)
        next += 1
      case 6:
        plan.removeAll()
        for slot in (0..<shadow[head].count).shuffled(using: &random)
          .prefix(Int(random.next() % 5))
        {
          let gone = Int(cache.row(head: head, slot: slot).birth)
          shadow[head].removeAll { $0 == gone }
          plan.evict(slot: slot)
        }
        cache.apply(plan, head: head)
      case 7:
        capacities = shadow.map { $0.count + Int(random.next() % 20) }
        cache.recarve(capacities: capacities)
        #expect(
          cache.byteCount
            == LayerCache.byteCount(headDimension: size, capacities: capacities, element: element))
      default: break
      }
      #expect(cache.count(head: head) == shadow[head].count)
      #expect(contents(cache, head: head) == expected(Set(shadow[head]), size, element))
    }
  }
}

struct SplitMix: RandomNumberGenerator {
  var state: UInt64
  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}
