import Foundation
import Testing

import HeadKVMath
import HeadKVSelfCheck

private func noise(_ count: Int, seed: UInt64) -> [Float] {
  ConvolutionCase.noise(count, seed: seed)
}

private func distance(_ a: [Float], _ b: [Float]) -> Float { ConvolutionCase.distance(a, b) }

@Suite struct Conv2DTests {
  static let cases: [ConvolutionCase] = [
    ConvolutionCase(inputs: 1, outputs: 1, height: 1, width: 1, kernel: 3, sampling: .same),
    ConvolutionCase(inputs: 3, outputs: 2, height: 1, width: 7, kernel: 3, sampling: .same),
    ConvolutionCase(inputs: 2, outputs: 5, height: 9, width: 2, kernel: 3, sampling: .same),
    ConvolutionCase(inputs: 8, outputs: 4, height: 33, width: 29, kernel: 3, sampling: .same),
    ConvolutionCase(inputs: 7, outputs: 6, height: 5, width: 11, kernel: 1, sampling: .same),
    ConvolutionCase(inputs: 3, outputs: 4, height: 2, width: 2, kernel: 3, sampling: .halving),
    ConvolutionCase(inputs: 5, outputs: 4, height: 18, width: 14, kernel: 3, sampling: .halving),
    ConvolutionCase(inputs: 2, outputs: 3, height: 1, width: 1, kernel: 3, sampling: .doubling),
    ConvolutionCase(inputs: 5, outputs: 4, height: 13, width: 17, kernel: 3, sampling: .doubling),
    // More than a panel of weights, and windows in several pieces.
    ConvolutionCase(inputs: 33, outputs: 83, height: 9, width: 70, kernel: 3, sampling: .same),
    ConvolutionCase(inputs: 40, outputs: 70, height: 6, width: 5, kernel: 1, sampling: .same),
    ConvolutionCase(inputs: 32, outputs: 96, height: 12, width: 66, kernel: 3, sampling: .halving),
    // Winograd tiles: few and many, whole and cut, one panel of weights and several.
    ConvolutionCase(inputs: 16, outputs: 16, height: 8, width: 8, kernel: 3, sampling: .same),
    ConvolutionCase(inputs: 32, outputs: 16, height: 30, width: 61, kernel: 3, sampling: .same),
    ConvolutionCase(inputs: 16, outputs: 208, height: 17, width: 18, kernel: 3, sampling: .same),
    ConvolutionCase(inputs: 48, outputs: 80, height: 35, width: 53, kernel: 3, sampling: .same),
    ConvolutionCase(inputs: 16, outputs: 80, height: 5, width: 7, kernel: 3, sampling: .doubling),
    ConvolutionCase(inputs: 32, outputs: 208, height: 7, width: 9, kernel: 3, sampling: .doubling),
    ConvolutionCase(inputs: 16, outputs: 32, height: 19, width: 31, kernel: 3, sampling: .doubling),
    // As small as the definition is left to it, with channels that tiles take.
    ConvolutionCase(inputs: 64, outputs: 64, height: 4, width: 4, kernel: 3, sampling: .same),
  ]

  @Test(arguments: cases.indices, [1, 3]) func reference(index: Int, threads: Int) {
    #expect(ConvolutionCheck.apply(Self.cases[index], threads: threads) < 1)
  }

  @Test(arguments: cases.indices) func bitsDoNotDependOnThreads(index: Int) {
    let c = Self.cases[index]
    let input = c.input
    let alone = c.apply(to: input, threads: 1)
    for threads in [2, 3, 8] { #expect(c.apply(to: input, threads: threads) == alone) }
  }

  /// What the layer reads through a normalisation is the map that the normalisation makes, with
  /// zeros, not normalised ones, around it.
  @Test(arguments: cases.indices.filter { cases[$0].inputs % 32 == 0 })
  func throughANormalisation(index: Int) {
    let c = Self.cases[index]
    let input = c.input
    let norm = GroupNorm(scale: noise(c.inputs, seed: 6), shift: noise(c.inputs, seed: 7))
    let map = FeatureMap(channels: c.inputs, height: c.height, width: c.width, planes: input)
    let normal = FeatureMap(channels: c.inputs, height: c.height, width: c.width)
    norm.fitted(to: map, silu: true, on: Conv2DRunner(pool: WorkerPool(threads: 1)))
      .apply(map.pixel(0), count: map.pixels, into: normal.pixel(0))
    #expect(
      c.apply(to: input, through: norm, threads: 2)
        == c.apply(to: normal.planes, threads: 2))
  }

  @Test(arguments: [1, 5, 700], [false, true]) func groupNorm(width: Int, silu: Bool) {
    #expect(ConvolutionCheck.groupNorm(width: width, silu: silu) < 1)
  }

  @Test(arguments: [1, 70]) func attention(width: Int) {
    let (channels, height) = (6, 3)
    let count = height * width
    let parts: [[Float]] = (8...10).map { seed in
      noise(channels * count, seed: seed).map { $0 * 3 }
    }
    let maps = parts.map {
      FeatureMap(channels: channels, height: height, width: width, planes: $0)
    }
    let found = SpatialAttention.apply(
      q: maps[0], k: maps[1], v: maps[2], on: Conv2DRunner(pool: WorkerPool(threads: 2)))
    var expected = [Float](repeating: 0, count: channels * count)
    for i in 0..<count {
      var weights: [Double] = []
      for j in 0..<count {
        var score = 0.0
        for c in 0..<channels {
          score += Double(parts[0][c * count + i]) * Double(parts[1][c * count + j])
        }
        weights.append(exp(score / Double(channels).squareRoot()))
      }
      let sum = weights.reduce(0, +)
      for c in 0..<channels {
        var mixed = 0.0
        for j in 0..<count { mixed += weights[j] / sum * Double(parts[2][c * count + j]) }
        expected[c * count + i] = Float(mixed)
      }
    }
    #expect(distance(found.planes, expected) < 1e-4)
  }
}
