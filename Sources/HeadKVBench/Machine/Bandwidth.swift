/// How fast memory is read, in bytes a second; or shares of it.
package struct Bandwidth: Sendable, Equatable {
  /// In the median of samples between the pieces of work that were timed.
  package var sustained = 0.0
  /// In the best window of a few milliseconds.
  package var peak = 0.0

  package init(sustained: Double = 0, peak: Double = 0) {
    self.sustained = sustained
    self.peak = peak
  }

  init(_ reading: ReadBandwidth) {
    self.init(sustained: reading.sustained, peak: reading.peak)
  }

  /// The shares of these at which `bytes` were read; 0 where nothing was measured.
  package func share(ofBytes bytes: Double, milliseconds: Double) -> Bandwidth {
    let rate = bytes / (milliseconds / 1000)
    return Bandwidth(
      sustained: sustained > 0 ? rate / sustained : 0, peak: peak > 0 ? rate / peak : 0)
  }
}
