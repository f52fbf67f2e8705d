import HeadKV
import HeadKVMath

/// Matrices times a step's rows: the projections of a layer, or the output head.
///
/// There are as many copies as make half a gigabyte, so that each comes from memory as it does when
/// a token is drawn.
final class ProductsPart: BenchPart {
  let label: PartLabel
  private let units: [[Linear]]
  private let rows: Int
  private let input: AlignedBuffer<Float>
  private let output: AlignedBuffer<Float>
  private let scratch: LinearScratch
  private let pool: WorkerPool

  /// - Parameter matrices: outputs and inputs of the matrices that make a unit.
  init(
    _ label: PartLabel, matrices: [(outputs: Int, inputs: Int)], precision: WeightPrecision,
    rows: Int, pool: WorkerPool, bytes: Int = 512 << 20
  ) {
    self.label = label
    self.rows = rows
    self.pool = pool
    let source = RandomWeights(precision.packing, pool: pool)
    var units = [matrices.map { source.matrix($0.outputs, $0.inputs) }]
    let size = Self.byteCount(units[0])
    for _ in 1..<max(2, bytes / size) {
      units.append(matrices.map { source.matrix($0.outputs, $0.inputs) })
    }
    self.units = units
    let widest = matrices.map(\.inputs).max()!
    input = AlignedBuffer(count: rows * widest, repeating: 0)
    unsafe RandomFill(base: input.base, count: rows * widest).perform(0)
    output = AlignedBuffer(count: rows * matrices.map(\.outputs).max()!, repeating: 0)
    scratch = LinearScratch(
      rows: rows, features: widest, packing: precision.packing, threads: pool.threads)
  }

  /// The projections of a layer: queries with keys and values, attention's output, and the three
  /// of the feed-forward layer.
  static func projections(
    _ preset: GPTPreset, precision: WeightPrecision, batch: Int, pool: WorkerPool
  ) -> ProductsPart {
    let (width, hidden) = (preset.dimension, preset.hidden)
    var label = PartLabel("projections", unit: "layer")
    label.set(preset, precision, batch)
    return ProductsPart(
      label,
      matrices: [
        (3 * width, width), (width, width), (hidden, width), (hidden, width), (width, hidden),
      ], precision: precision, rows: 2 * batch, pool: pool)
  }

  /// The output head, which takes a row for both branches of an image.
  static func head(
    _ preset: GPTPreset, precision: WeightPrecision, batch: Int, pool: WorkerPool
  ) -> ProductsPart {
    var label = PartLabel("output head", unit: "step")
    label.set(preset, precision, batch)
    return ProductsPart(
      label, matrices: [(16384, preset.dimension)], precision: precision, rows: batch,
      pool: pool)
  }

  var bytesPerUnit: Int? { Self.byteCount(units[0]) }

  private static func byteCount(_ unit: [Linear]) -> Int { unit.reduce(0) { $0 + $1.byteCount } }

  func run() -> Double {
    let start = ContinuousClock.now
    for unit in units {
      for matrix in unit {
        unsafe matrix.apply(
          input.matrix(rows: rows, columns: matrix.inFeatures),
          into: output.matrix(rows: rows, columns: matrix.outFeatures), scratch: scratch, pool: pool)
      }
    }
    return Statistics.milliseconds(ContinuousClock.now - start) / Double(units.count)
  }
}

extension PartLabel {
  mutating func set(_ preset: GPTPreset, _ precision: WeightPrecision?, _ batch: Int) {
    shape = preset.name
    self.batch = batch
    self.precision = precision?.rawValue
  }
}
