import HeadKVCache
import Testing

/// A stand-in for a network: projections of noise.
private struct Network {
  let layers = 2
  var attended = [Float](repeating: 0, count: 64)
  private var state: UInt32 = 1

  mutating func project(_ layer: Int) -> ([Float], [Float], [Float]) {
    func vector(_ seed: UInt32) -> [Float] {
      (0..<64).map { Float((seed &* UInt32(2 * $0 + 1)) % 997) / 498.5 - 1 }
    }
    state = state &* 1_664_525 &+ 1_013_904_223
    return (vector(state), vector(state ^ 77), vector(state ^ 5))
  }

  mutating func finish(_ layer: Int) {}
}

@Suite struct NetworkExample {
  @Test func drivesASession() throws {
    var network = Network()

    let shape = SequenceShape(
      layers: network.layers, heads: 4, headDimension: 16, prefixRows: 1,
      grid: TokenGrid(width: 8, height: 8))
    let policy = try PolicyCatalog.make("auto", budget: .share(0.25), shape: shape)
    print("at most \(policy.memory.capBytes) bytes, in full \(policy.memory.fullBytes)")
    let session = CacheSession(policy)
    for position in -1..<63 {
      session.startStep(positions: [Int32(position)].span)
      for layer in 0..<network.layers {
        let (queries, keys, values) = network.project(layer)
        var output = network.attended.mutableSpan
        session.attend(
          layer: layer, queries: queries.span, keys: keys.span, values: values.span, into: &output)
        network.finish(layer)
      }
      session.endStep()
    }
    print("\(session.liveRows) rows are left, \(session.byteCount) bytes")

    #expect(session.liveRows == 16 * shape.allHeads && session.tokens == 63)
    #expect(network.attended.allSatisfy { $0.isFinite && $0 != 0 })
  }
}
