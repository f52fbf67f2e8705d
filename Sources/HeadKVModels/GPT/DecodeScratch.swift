import HeadKVCache
import HeadKVMath

/// Everything a step writes, allocated once.
@safe
final class DecodeScratch {
  let rows: Int
  private let buffer: AlignedBuffer<Float>
  /// Residual stream `[rows, dimension]`.
  let input: FloatMatrix
  let normed: FloatMatrix
  /// `[rows, 3 dimension]`.
  let queryKeyValue: FloatMatrix
  let attended: FloatMatrix
  /// `[rows, hidden]`.
  let gate: FloatMatrix
  let up: FloatMatrix
  /// What the output head takes, `[rows, dimension]`.
  let predicting: FloatMatrix
  /// `[rows, vocabulary]`.
  let logits: FloatMatrix
  /// Where the linear layers round their inputs.
  let linear: LinearScratch
  private let groupBuffer: AlignedBuffer<StepGroup>
  private let sessionBuffer: AlignedBuffer<Unmanaged<CacheSession>?>
  private let unitBuffer: AlignedBuffer<AttentionUnit>
  private let positionBuffer: AlignedBuffer<Int32>
  /// What each thread attends in.
  let attention: AttentionScratch

  /// - Parameters:
  ///   - precision: of the model's matrices.
  ///   - rowsPerStep: rows of one sequence in a step, of the `rows` of all.
  ///   - cacheRows: rows that a head may have.
  init(
    _ shape: GPTConfiguration, precision: WeightPrecision, rows: Int, sequences: Int,
    rowsPerStep: Int, cacheRows: Int, threads: Int
  ) {
    self.rows = rows
    let logitRows = max(rows, sequences)
    let sizes = Self.sizes(shape, rows: rows, logitRows: logitRows)
    buffer = AlignedBuffer(count: sizes.reduce(0, +), repeating: 0)
    var offsets: [Int] = [0]
    for size in sizes { offsets.append(offsets.last! + size) }
    unsafe input = buffer.matrix(rows: rows, columns: shape.dimension, offset: offsets[0])
    unsafe normed = buffer.matrix(rows: rows, columns: shape.dimension, offset: offsets[1])
    unsafe queryKeyValue = buffer.matrix(
      rows: rows, columns: 3 * shape.dimension, offset: offsets[2])
    unsafe attended = buffer.matrix(rows: rows, columns: shape.dimension, offset: offsets[3])
    unsafe gate = buffer.matrix(rows: rows, columns: shape.hidden, offset: offsets[4])
    unsafe up = buffer.matrix(rows: rows, columns: shape.hidden, offset: offsets[5])
    unsafe predicting = buffer.matrix(
      rows: logitRows, columns: shape.dimension, offset: offsets[6])
    unsafe logits = buffer.matrix(rows: logitRows, columns: shape.vocabulary, offset: offsets[7])
    linear = LinearScratch(
      rows: logitRows, features: max(shape.dimension, shape.hidden), packing: precision.packing,
      threads: threads)
    groupBuffer = AlignedBuffer(
      count: rows, repeating: StepGroup(sequence: 0, firstRow: 0, rows: 0))
    unsafe sessionBuffer = AlignedBuffer(count: rows, repeating: nil)
    unitBuffer = AlignedBuffer(count: rows, repeating: AttentionUnit(group: 0, twin: -1))
    positionBuffer = AlignedBuffer(count: rows, repeating: 0)
    attention = AttentionScratch(threads: threads, rowsPerStep: rowsPerStep, cacheRows: cacheRows)
  }

  /// The sequences of the step.
  var groups: UnsafeMutablePointer<StepGroup> { unsafe groupBuffer.base }
  /// Those of the groups, which the engine keeps alive.
  var sessions: UnsafeMutablePointer<Unmanaged<CacheSession>?> { unsafe sessionBuffer.base }
  /// Groups whose attention is computed together.
  var units: UnsafeMutablePointer<AttentionUnit> { unsafe unitBuffer.base }
  /// Of each row of the step.
  var positions: UnsafeMutablePointer<Int32> { unsafe positionBuffer.base }

  /// Floats of each matrix, in the order in which they lie.
  private static func sizes(
    _ shape: GPTConfiguration, rows: Int, logitRows: Int
  ) -> [Int] {
    [
      rows * shape.dimension, rows * shape.dimension, rows * 3 * shape.dimension,
      rows * shape.dimension, rows * shape.hidden, rows * shape.hidden,
      logitRows * shape.dimension, logitRows * shape.vocabulary,
    ].map { ($0 + 15) / 16 * 16 }
  }

  /// Bytes that are allocated for so many sequences that take one token a step.
  static func byteCount(
    _ shape: GPTConfiguration, precision: WeightPrecision, sequences: Int, cacheRows: Int,
    threads: Int
  ) -> Int {
    let sizes = sizes(shape, rows: sequences, logitRows: sequences)
    return 4 * sizes.reduce(0, +)
      + LinearScratch.byteCount(
        rows: sequences, features: max(shape.dimension, shape.hidden), packing: precision.packing,
        threads: threads)
      + AttentionScratch.byteCount(threads: threads, rowsPerStep: 1, cacheRows: cacheRows)
  }

  func setInput(row: Int, _ values: UnsafePointer<Float>) {
    unsafe input.row(row).update(from: values, count: input.columns)
  }
}
