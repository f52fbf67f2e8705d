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
  package var bytesPerUnit: Int?
  package var bandwidth = Bandwidth()

  package var median: Double { Statistics.median(milliseconds) }

  /// Bytes a second.
  package var rate: Double? { bytesPerUnit.map { Double($0) / (median / 1000) } }

  package var bandwidthShare: Bandwidth? {
    bytesPerUnit.map { bandwidth.share(ofBytes: Double($0), milliseconds: median) }
  }
}
