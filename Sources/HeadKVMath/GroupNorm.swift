/// Normalisation over 32 groups of channels, with a scale and a shift per channel.
package final class GroupNorm: Sendable {
  package static let groups = 32
  package static let epsilon = 1e-6

  private let scale: [Float]
  private let shift: [Float]

  /// `scale` and `shift` are [channels], a multiple of 32.
  package init(scale: [Float], shift: [Float]) {
    precondition(
      scale.count == shift.count && scale.count % Self.groups == 0 && !scale.isEmpty,
      "weights of a group normalisation do not fit")
    self.scale = scale
    self.shift = shift
  }

  package var channels: Int { scale.count }

  /// `input` [channels, h, w] normalised, then through x / (1 + e^-x) if `silu`.
  package func apply(_ input: FeatureMap, silu: Bool, on runner: Conv2DRunner) -> FeatureMap {
    precondition(input.channels == channels, "channels of a group normalisation do not fit")
    let output = FeatureMap(channels: channels, height: input.height, width: input.width)
    let perGroup = channels / Self.groups
    runner.pool.run(tasks: Self.groups) { group in
      let first = group * perGroup
      let moments = unsafe Self.moments(input.plane(first), count: perGroup * input.pixels)
      for channel in first..<(first + perGroup) {
        let factor = Double(scale[channel]) * moments.inverseDeviation
        let offset = Double(shift[channel]) - moments.mean * factor
        let (from, to) = unsafe (input.plane(channel), output.plane(channel))
        let (a, b) = (Float(factor), Float(offset))
        for pixel in 0..<input.pixels { unsafe to[pixel] = from[pixel] * a + b }
        if silu { unsafe Kernels.silu(to, count: input.pixels) }
      }
    }
    return output
  }

  /// Mean and 1 / sqrt(variance + epsilon) of `count` elements, in two passes.
  private static func moments(
    _ values: UnsafePointer<Float>, count: Int
  ) -> (mean: Double, inverseDeviation: Double) {
    guard count > 0 else { return (0, 0) }
    let mean = unsafe sum(values, count) { $0 } / Double(count)
    let center = Float(mean)
    let variance = unsafe sum(values, count) { ($0 - center) * ($0 - center) } / Double(count)
    return (mean, 1 / (variance + epsilon).squareRoot())
  }

  /// Sum of `term` over the elements: f32 within runs of 512, f64 among them.
  @inline(__always)
  private static func sum(
    _ values: UnsafePointer<Float>, _ count: Int, _ term: (SIMD8<Float>) -> SIMD8<Float>
  ) -> Double {
    var total = 0.0
    var index = 0
    while index < count {
      let end = min(index + 512, count)
      var run = SIMD8<Float>(repeating: 0)
      while index + 8 <= end {
        run += term(unsafe UnsafeRawPointer(values + index).loadUnaligned(as: SIMD8<Float>.self))
        index += 8
      }
      total += Double(run.sum())
      while index < end {
        unsafe total += Double(term(SIMD8(repeating: values[index]))[0])
        index += 1
      }
    }
    return total
  }
}
