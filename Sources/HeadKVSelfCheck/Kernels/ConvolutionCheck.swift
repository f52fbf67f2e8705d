import Foundation
import HeadKVMath

/// Convolutions against their definition: the worst error in units of the tolerance.
package enum ConvolutionCheck {
  package static func apply(_ given: ConvolutionCase, threads: Int) -> Double {
    let input = given.input
    let expected = given.reference(input)
    let residual = ConvolutionCase.noise(expected.count, seed: 4)
    let plain = ConvolutionCase.distance(given.apply(to: input, threads: threads), expected)
    let added = ConvolutionCase.distance(
      given.apply(to: input, addedTo: residual, threads: threads),
      zip(expected, residual).map { $0 + $1 })
    return Double(max(plain, added) / given.tolerance)
  }

  /// A group norm of 64 channels in groups of two, with or without SiLU.
  package static func groupNorm(width: Int, silu: Bool) -> Double {
    let channels = 64
    let input = ConvolutionCase.noise(channels * width, seed: 5).map { $0 * 3 + 10 }
    let scale = ConvolutionCase.noise(channels, seed: 6)
    let shift = ConvolutionCase.noise(channels, seed: 7)
    let map = FeatureMap(channels: channels, height: 1, width: width, planes: input)
    let found = FeatureMap(channels: channels, height: 1, width: width)
    unsafe GroupNorm(scale: scale, shift: shift)
      .fitted(to: map, silu: silu, on: Conv2DRunner(pool: WorkerPool(threads: 1)))
      .apply(map.pixel(0), count: width, into: found.pixel(0))
    var expected: [Float] = []
    for channel in 0..<channels {
      let first = channel / 2 * 2 * width
      let group = input[first..<(first + 2 * width)].map { Double($0) }
      let mean = group.reduce(0, +) / Double(group.count)
      let variance = group.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(group.count)
      for x in 0..<width {
        let normal = (Double(input[channel * width + x]) - mean) / (variance + 1e-6).squareRoot()
        let y = normal * Double(scale[channel]) + Double(shift[channel])
        expected.append(Float(silu ? y / (1 + exp(-y)) : y))
      }
    }
    return Double(ConvolutionCase.distance(found.planes, expected) / 3e-5)
  }
}
