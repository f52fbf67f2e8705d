import Foundation
import HeadKVMath

/// Measures what a head loses with fewer rows, by asking its latest queries again.
///
/// For a query, the newest `window` rows it saw stay and all older ones are merged into `pool` rows
/// as ``PairwiseMerging`` would merge them (or dropped); the error is the squared difference of the
/// head's output. The picture has yet to grow: the rows that are old by now stand for all that will
/// be old on average, so their weight is multiplied, in the exact output as well; and a pool of the
/// same quality is taken to grow with the square root of the number of rows it stands for.
@safe
struct DistortionMeter: ~Copyable {
  /// Sizes of the pool that are tried: about half as large again as the one before.
  static let pools = [0, 1, 2, 3, 5, 8, 12, 18, 26]
  /// Queries of a head that are asked again.
  static let queries = AskedQueries.most

  /// How far the picture has come when heads are measured.
  struct Moment {
    /// Tokens drawn, and tokens that are old for the mean step still to come.
    var tokens: Int
    var horizon: Double
    /// Old tokens below which a window is not measured.
    var fewest: Double
    /// Tokens that the mean query saw.
    var seen: Double

    let anticipatesGrowth: Bool

    init(tokens: Int, grid: TokenGrid, options: DistortionOptions = DistortionOptions()) {
      self.tokens = tokens
      anticipatesGrowth = options.anticipatesGrowth
      horizon = Double(tokens) + Double(grid.count - tokens) / 4
      fewest = Double(min(grid.width / 2, max(tokens / 6, 2)))
      seen = Double(tokens) - Double(min(grid.width, tokens)) / 2
    }

    /// How many times more old tokens there will be than the mean query saw.
    func growth(window: Int) -> Double {
      guard anticipatesGrowth else { return 1 }
      return max((horizon - Double(window)) / max(fewest, seen - Double(window)), 1)
    }
  }

  private let moment: Moment
  private let prefixRows: Int
  /// Births of the picture's rows, ascending.
  private let births: [Int32]
  /// Tokens of the rows before each one.
  private var oldTokens: [Float] = []
  /// The cluster of each row, for one size of the pool after another.
  private let clusters: AlignedBuffer<Int32>
  private var asked: AskedQueries
  /// Queries that see a window and enough rows beyond it.
  private var counts: [Int]

  /// - Precondition: the head has a row beside the prefix.
  init(_ rows: HeadRows, prefixRows: Int, moment: Moment) {
    self.moment = moment
    self.prefixRows = prefixRows
    let (count, size) = unsafe (rows.count, rows.dimension)
    precondition(count > prefixRows, "there is nothing to measure")
    // The prefix fills the first slots.
    var slots = Array(0..<count)
    slots[prefixRows...].sort { unsafe rows.births[$0] < rows.births[$1] }
    births = slots[prefixRows...].map { unsafe rows.births[$0] }
    let biases = slots.map { unsafe rows.biases[$0] }
    asked = AskedQueries(rows: count, prefix: prefixRows, size: size)
    for (row, slot) in slots.enumerated() {
      unsafe rows.keys.load(slot, into: asked.keys + row * size)
      unsafe rows.values.load(slot, into: asked.values + row * size)
      unsafe asked.counts[row] = exp(biases[row])
    }
    var tokens: Float = 0
    for row in prefixRows..<count {
      oldTokens.append(tokens)
      tokens += unsafe asked.counts[row]
    }
    let found = unsafe MergeTree(
      keys: asked.keys, values: asked.values, slots: Array(prefixRows..<count),
      biases: Array(biases[prefixRows...]), size: size
    ).clusters(Self.pools)
    clusters = AlignedBuffer(count: Self.pools.count * births.count, repeating: 0)
    for (index, cluster) in found.joined().enumerated() {
      unsafe clusters.base[index] = Int32(cluster)
    }
    counts = Array(repeating: 0, count: births.count)
  }

  /// Asks `query`, which saw the rows born up to `birth`.
  ///
  /// - Precondition: at most ``queries`` are asked.
  mutating func ask(_ query: UnsafePointer<Float>, birth: Int32) {
    let visible = births.partitioningIndex { $0 > birth }
    guard visible > 1 else { return }
    unsafe asked.add(query, seeing: prefixRows + visible)
    for row in 0..<visible where oldTokens[row] >= Float(moment.fewest) {
      counts[visible - row - 1] += 1
    }
  }

  /// Squared errors by window, for one size of the pool after another, summed over queries.
  private func errors() -> [Double] {
    asked.weigh()
    var errors = [Double](repeating: 0, count: Self.pools.count * births.count)
    let room = AlignedBuffer<Float>(
      count: AskedQueries.room(size: asked.size, clusters: Self.pools.last!), repeating: 0)
    let horizon = moment.anticipatesGrowth ? Float(moment.horizon) : nil
    unsafe errors.withUnsafeMutableBufferPointer { errors in
      for (pool, size) in Self.pools.enumerated() {
        let first = pool * births.count
        unsafe asked.addErrors(
          clusters: size, of: clusters.base + first, fewest: Float(moment.fewest),
          horizon: horizon, room: room.base, to: errors.baseAddress! + first)
      }
    }
    return errors
  }

  /// The curve of what has been asked.
  ///
  /// - Parameter gain: what a squared error of the head's output counts for.
  consuming func curve(gain: Double) -> DistortionCurve {
    let errors = errors()
    var points: [DistortionCurve.Point] = []
    points.reserveCapacity(Self.pools.count * births.count)
    for (pool, size) in Self.pools.enumerated() {
      var error = Double.greatestFiniteMagnitude
      for window in births.indices {
        // Few queries saw this window with rows beyond it: what is known of the last holds on.
        if counts[window] >= max(Self.queries / 4, 2) {
          error = errors[pool * births.count + window] / Double(counts[window]) * gain
          if error.isNaN { error = .greatestFiniteMagnitude }
        }
        if window == 0 { continue }
        let grown =
          size < 2
          ? size : Int((Double(size) * moment.growth(window: window).squareRoot()).rounded(.up))
        points.append(
          DistortionCurve.Point(
            rows: prefixRows + window + grown, window: window, pool: grown, error: error))
      }
    }
    return DistortionCurve(points)
  }
}

extension Array {
  /// The first index whose element fulfils `predicate`, where all later ones do, too.
  fileprivate func partitioningIndex(where predicate: (Element) -> Bool) -> Int {
    var (low, high) = (0, count)
    while low < high {
      let middle = (low + high) / 2
      if predicate(self[middle]) { high = middle } else { low = middle + 1 }
    }
    return low
  }
}
