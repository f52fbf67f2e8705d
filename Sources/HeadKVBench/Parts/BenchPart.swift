import HeadKV
import HeadKVMath

/// A piece of the work that can be timed on its own.
protocol BenchPart: AnyObject {
  var label: PartLabel { get }
  /// Bytes that one unit reads of memory; nil if that is not what it waits for.
  var bytesPerUnit: Int? { get }
  /// Does the work once or some times; milliseconds of one unit.
  func run() throws -> Double
}

/// What a part is and what it depends on; nil where it does not.
package struct PartLabel: Sendable, Equatable {
  package var part: String
  /// What the time is of: a layer, a step, a picture.
  package var unit: String
  package var shape: String?
  package var grid: Int?
  package var batch: Int?
  package var precision: String?
  package var policy: String?
  package var budget: String?
  /// Type of the cached rows.
  package var element: String?
  /// Live rows of a head.
  package var rows: Int?

  package init(_ part: String, unit: String) {
    self.part = part
    self.unit = unit
  }
}

/// What was measured of a part.
package struct PartResult: Sendable {
  package var label: PartLabel
  /// Milliseconds of a unit in each round.
  package var milliseconds: [Double]
  /// Bytes a second that the machine read right after each.
  package var readings: [Double]
  package var bytesPerUnit: Int?
  package var bandwidth: Bandwidth

  package init(
    label: PartLabel, milliseconds: [Double], readings: [Double], bytesPerUnit: Int?,
    bandwidth: Bandwidth = Bandwidth()
  ) {
    self.label = label
    self.milliseconds = milliseconds
    self.readings = readings
    self.bytesPerUnit = bytesPerUnit
    self.bandwidth = bandwidth
  }

  package var median: Double { Statistics.median(milliseconds) }

  /// Bytes a second.
  package var rate: Double? { bytesPerUnit.map { Double($0) / (median / 1000) } }

  /// Bytes of a unit over its time, as a share of what the machine read right after it: the median
  /// over the rounds.
  package var bandwidthShare: Double? {
    bytesPerUnit.map { bytes in
      Statistics.median(
        zip(milliseconds, readings).map { Double(bytes) / ($0 / 1000) / $1 })
    }
  }

  /// The same as a share of the most that the machine reads.
  package var peakShare: Double? { rate.map(bandwidth.shareOfPeak) }
}
