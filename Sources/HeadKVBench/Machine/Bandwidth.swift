/// How fast memory is read, in bytes a second.
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

  /// `rate` bytes a second as a share of the peak; 0 where none was measured.
  package func shareOfPeak(_ rate: Double) -> Double { peak > 0 ? rate / peak : 0 }
}
