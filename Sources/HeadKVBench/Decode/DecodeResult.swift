/// What was measured of a setting.
package struct DecodeResult: Sendable {
  package var setting: DecodeSetting
  package var times: StepTimes
  /// Bytes of weights that a step reads.
  package var weightBytes: Int
  /// Bytes of live keys and values that a step reads, in the mean over the steps.
  package var cacheBytesRead: Double
  /// The most bytes that the caches held after a line.
  package var cacheBytesHeld: Int
  /// What the machine reads.
  package var bandwidth: Bandwidth
  /// The median over the lines of what their steps came to, as a share of what the machine read
  /// right after each: it holds on a machine whose speed changes from one moment to the next.
  package var pairedShare: Double

  package init(
    setting: DecodeSetting, times: StepTimes, weightBytes: Int, cacheBytesRead: Double,
    cacheBytesHeld: Int, pairedShare: Double, bandwidth: Bandwidth = Bandwidth()
  ) {
    self.setting = setting
    self.times = times
    self.weightBytes = weightBytes
    self.cacheBytesRead = cacheBytesRead
    self.cacheBytesHeld = cacheBytesHeld
    self.pairedShare = pairedShare
    self.bandwidth = bandwidth
  }

  /// Bytes that a step has to read.
  package var bytesRead: Double { Double(weightBytes) + cacheBytesRead }

  /// Share of the most that the machine reads: 1 if a step takes no longer than reading its bytes.
  package var peakShare: Double {
    bandwidth.shareOfPeak(bytesRead / (times.milliseconds / 1000))
  }

  /// Tokens of all images a second.
  package var tokensPerSecond: Double { 1000 / times.milliseconds * Double(setting.batch) }

  /// How many times longer the full cache takes for the same, if that was measured.
  package func speedup(among results: [DecodeResult]) -> Double? {
    var full = setting
    full.policy = "full"
    full.budget = .full
    guard let other = results.first(where: { $0.setting == full }) else { return nil }
    return other.times.milliseconds / times.milliseconds
  }
}
