internal import CHeadKVKernels

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

  /// Pixels whose moments are taken in f32; those of a map are put together in f64.
  private static let run = 128

  /// What normalises `input` [h, w, channels]; values go through x / (1 + e^-x) after it if `silu`.
  package func fitted(to input: FeatureMap, silu: Bool, on runner: Conv2DRunner) -> FittedNorm {
    precondition(input.channels == channels, "channels of a group normalisation do not fit")
    let (channels, pixels) = (channels, input.pixels)
    let fitted = FittedNorm(channels: channels, silu: silu)
    let runs = (pixels + Self.run - 1) / Self.run
    // [runs, 2, channels]: means, sums of squared distances from them.
    let moments = unsafe runner.share(runs * 2 * channels)
    unsafe runner.forEachTile(of: pixels, size: Self.run, scratch: 0) { range, _ in
      let means = unsafe moments + range.lowerBound / Self.run * 2 * channels
      unsafe hkv_moments(
        input.pixel(range.lowerBound), range.count, channels, means, means + channels)
    }
    let perGroup = channels / Self.groups
    runner.pool.run(tasks: Self.groups) { group in
      let members = (group * perGroup)..<((group + 1) * perGroup)
      let count = { (run: Int) in Double(min(Self.run, pixels - run * Self.run)) }
      var sum = 0.0
      for run in 0..<runs {
        for channel in members {
          unsafe sum += count(run) * Double(moments[run * 2 * channels + channel])
        }
      }
      let total = Double(max(pixels, 1) * perGroup)
      let mean = sum / total
      var squares = 0.0
      for run in 0..<runs {
        for channel in members {
          let at = unsafe moments + run * 2 * channels + channel
          let distance = unsafe Double(at[0]) - mean
          unsafe squares += Double(at[channels]) + count(run) * distance * distance
        }
      }
      let inverseDeviation = 1 / (squares / total + Self.epsilon).squareRoot()
      for channel in members {
        let factor = Double(scale[channel]) * inverseDeviation
        unsafe fitted.scale[channel] = Float(factor)
        unsafe fitted.shift[channel] = Float(Double(shift[channel]) - mean * factor)
      }
    }
    return fitted
  }
}
