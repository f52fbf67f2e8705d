import Foundation
import Testing

import HeadKV

@Suite struct SamplerTests {
  private func logits(_ count: Int, seed: UInt64, steps: Float? = nil) -> [Float] {
    let philox = Philox(key: seed)
    return (0..<count).map { index in
      // A sum of uniforms: a bell with a middle where many values crowd.
      let value = Float((0..<4).reduce(0.0) { $0 + philox.uniform(4 * index + $1) }) * 6 - 12
      return steps.map { (value * $0).rounded() / $0 } ?? value
    }
  }

  /// The definition: sort, cut, draw.
  private func pick(_ logits: [Float], _ sampling: Sampling, _ uniform: Double) -> Int32 {
    let sorted = logits.sorted(by: >)
    let k = sampling.topK == 0 ? logits.count : min(sampling.topK, logits.count)
    var weights = logits.map { value in
      value < sorted[k - 1]
        ? 0 : exp((Double(value) - Double(sorted[0])) / Double(sampling.temperature))
    }
    if sampling.topP < 1 {
      let total = weights.reduce(0, +)
      var kept = 0.0
      for index in weights.indices.sorted(by: { weights[$0] != weights[$1] ? weights[$0] > weights[$1] : $0 < $1 }) {
        if kept > Double(sampling.topP) * total { weights[index] = 0 }
        kept += weights[index]
      }
    }
    var left = uniform * weights.reduce(0, +)
    for index in weights.indices where weights[index] > 0 {
      left -= weights[index]
      if left < 0 { return Int32(index) }
    }
    return Int32(weights.lastIndex { $0 > 0 }!)
  }

  @Test(arguments: [1, 2, 15, 16, 17, 512, 3001], [nil, 2] as [Float?])
  func picksWhatSortingPicks(count: Int, steps: Float?) throws {
    for (topK, topP, temperature) in [
      (0, 1, 1), (1, 1, 1), (2, 1, 0.7), (200, 1, 1), (2000, 1, 1), (5000, 1, 2), (0, 0.9, 1),
      (100, 0.5, 1), (300, 0.001, 1),
    ] as [(Int, Float, Float)] {
      let sampling = try Sampling(temperature: temperature, topK: topK, topP: topP)
      var sampler = Sampler(sampling, vocabulary: count)
      for seed in 0..<6 {
        let row = logits(count, seed: UInt64(seed), steps: steps)
        for uniform in [0, 0.3, 0.77, 1 - 1e-12] {
          let expected =
            topK == 1 ? Int32(row.firstIndex(of: row.max()!)!) : pick(row, sampling, uniform)
          #expect(sampler.pick(row, uniform: uniform) == expected)
        }
      }
    }
  }

  @Test func logitsThatAreNoNumbersDoNotTrap() throws {
    var sampler = Sampler(try Sampling(topK: 5), vocabulary: 40)
    for value in [Float.nan, .infinity, -.infinity] {
      let row = [Float](repeating: value, count: 40)
      #expect((0..<40).contains(sampler.pick(row, uniform: 0.5)))
      var mixed = logits(40, seed: 1)
      mixed[7] = value
      #expect((0..<40).contains(sampler.pick(mixed, uniform: 0.5)))
    }
  }
}
