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
  /// Bytes a second that the machine reads: the best of all readings, and their median.
  package var bandwidth: Double
  package var bandwidthMedian: Double

  package init(
    setting: DecodeSetting, times: StepTimes, weightBytes: Int, cacheBytesRead: Double,
    cacheBytesHeld: Int, bandwidth: Double, bandwidthMedian: Double
  ) {
    self.setting = setting
    self.times = times
    self.weightBytes = weightBytes
    self.cacheBytesRead = cacheBytesRead
    self.cacheBytesHeld = cacheBytesHeld
    self.bandwidth = bandwidth
    self.bandwidthMedian = bandwidthMedian
  }

  /// Bytes that a step has to read.
  package var bytesRead: Double { Double(weightBytes) + cacheBytesRead }

  /// Share of the machine's read bandwidth that this comes to: 1 if a step takes no longer than
  /// reading its bytes.
  package var bandwidthShare: Double {
    Share.ofBandwidth(bytes: bytesRead, milliseconds: times.milliseconds, limit: bandwidth)
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

package enum Share {
  /// The share of `limit` bytes a second at which `bytes` were read; 0 without a limit.
  package static func ofBandwidth(bytes: Double, milliseconds: Double, limit: Double) -> Double {
    limit > 0 ? bytes / (milliseconds / 1000) / limit : 0
  }
}
