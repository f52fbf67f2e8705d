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
  /// `[rows, vocabulary]`.
  let logits: FloatMatrix
  /// Where the linear layers round their inputs.
  let linear: LinearScratch
  /// Softmax weights, `weightStride` for each row and head.
  private let weights: UnsafeMutablePointer<Float>
  let weightStride: Int
  private let heads: Int
  var groups: [StepGroup]
  var units: [AttentionUnit]
  var positions: [Int32]
  /// For each sequence's row and head.
  let plans: PlanStore

  init(_ shape: GPTConfiguration, rows: Int, sequences: Int, cacheRows: Int) {
    self.rows = rows
    heads = shape.heads
    weightStride = Self.weightStride(cacheRows)
    let logitRows = max(rows, sequences)
    let sizes = Self.sizes(shape, rows: rows, logitRows: logitRows, cacheRows: cacheRows)
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
    unsafe logits = buffer.matrix(rows: logitRows, columns: shape.vocabulary, offset: offsets[6])
    unsafe weights = buffer.base + offsets[7]
    linear = LinearScratch(rows: logitRows, features: max(shape.dimension, shape.hidden))
    groups = Array(repeating: StepGroup(sequence: 0, firstRow: 0, rows: 0), count: rows)
    units = Array(repeating: AttentionUnit(group: 0, twin: -1), count: rows)
    positions = Array(repeating: 0, count: rows)
    plans = PlanStore(count: rows * shape.heads, rows: cacheRows)
  }

  private static func weightStride(_ cacheRows: Int) -> Int { (cacheRows + 15) / 16 * 16 }

  /// Floats of each matrix, in the order in which they lie.
  private static func sizes(
    _ shape: GPTConfiguration, rows: Int, logitRows: Int, cacheRows: Int
  ) -> [Int] {
    [
      rows * shape.dimension, rows * shape.dimension, rows * 3 * shape.dimension,
      rows * shape.dimension, rows * shape.hidden, rows * shape.hidden,
      logitRows * shape.vocabulary, rows * shape.heads * weightStride(cacheRows),
    ].map { ($0 + 15) / 16 * 16 }
  }

  /// Bytes that are allocated for so many rows.
  static func byteCount(
    _ shape: GPTConfiguration, rows: Int, sequences: Int, cacheRows: Int
  ) -> Int {
    let logitRows = max(rows, sequences)
    let sizes = sizes(shape, rows: rows, logitRows: logitRows, cacheRows: cacheRows)
    return 4 * sizes.reduce(0, +)
      + LinearScratch.byteCount(rows: logitRows, features: max(shape.dimension, shape.hidden))
      + rows * shape.heads * EvictionPlan.byteCount(reserving: cacheRows)
  }

  /// Where the weights of a group's head go: `[queries, live rows]`, one run.
  func weights(_ group: StepGroup, head: Int) -> UnsafeMutablePointer<Float> {
    unsafe weights + (group.firstRow * heads + head * group.rows) * weightStride
  }

  func setInput(row: Int, _ values: UnsafePointer<Float>) {
    unsafe input.row(row).update(from: values, count: input.columns)
  }

  /// Final norm and output head of the first `rows` rows, into the logits from `first` on.
  func copyNorm(toLogits first: Int, rows: Int, model: GPT, pool: WorkerPool) {
    let x = unsafe input.rows(0, count: rows)
    let out = unsafe normed.rows(0, count: rows)
    unsafe model.normalise(x, model.norm, into: out)
    unsafe model.output.apply(
      out, into: logits.rows(first, count: rows), scratch: linear, pool: pool)
  }
}
