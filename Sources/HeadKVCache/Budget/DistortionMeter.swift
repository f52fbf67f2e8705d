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
  /// Sizes of the pool that are tried.
  static let pools = [0, 1, 2, 3, 4, 6, 8, 12, 16, 24, 32]
  /// Queries of a head that are asked again.
  static let queries = 16

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
  private let size: Int
  private let prefixRows: Int
  /// Slots of the picture's rows by birth, and what they stand for.
  private let slots: [Int]
  private let births: [Int32]
  private let counts: AlignedBuffer<Float>
  /// Keys of all rows and then their values, by slot, in f32 whatever the cache holds.
  private let widened: AlignedBuffer<Float>
  private let keys: UnsafePointer<Float>
  private let values: UnsafePointer<Float>
  private let prefixBiases: [Float]
  /// The cluster of each row, for one size of the pool after another.
  private let clusters: AlignedBuffer<Int32>
  /// Errors by window, for one size of the pool after another.
  private let errors: AlignedBuffer<Double>
  /// Queries that ``errors`` are sums of, by window.
  private var asked: [Int]
  /// Vectors to work in: total and pool, the sums of values of each cluster, and those of the rows
  /// before each one.
  private let room: AlignedBuffer<Float>
  /// Numbers to work in, by row: logits, weights, and weight and tokens of the rows before it.
  private let columns: AlignedBuffer<Float>
  /// Numbers to work in, by cluster: tokens, sum of logits, weight.
  private let sums: AlignedBuffer<Float>

  /// - Precondition: the head has a row beside the prefix.
  init(_ rows: HeadRows, prefixRows: Int, moment: Moment) {
    self.moment = moment
    self.prefixRows = prefixRows
    size = unsafe rows.dimension
    let count = unsafe rows.count
    widened = AlignedBuffer(count: 2 * count * size, repeating: 0)
    unsafe rows.keys.load(0..<count, into: widened.base)
    unsafe rows.values.load(0..<count, into: widened.base + count * size)
    unsafe keys = UnsafePointer(widened.base)
    unsafe values = UnsafePointer(widened.base + count * size)
    precondition(count > prefixRows, "there is nothing to measure")
    var order = Array(prefixRows..<count)
    order.sort { unsafe rows.births[$0] < rows.births[$1] }
    slots = order
    births = order.map { unsafe rows.births[$0] }
    let biases = order.map { unsafe rows.biases[$0] }
    counts = AlignedBuffer(count: order.count, repeating: 0)
    for (row, bias) in biases.enumerated() { unsafe counts.base[row] = exp(bias) }
    prefixBiases = (0..<prefixRows).map { unsafe rows.biases[$0] }
    let found = unsafe MergeTree(
      keys: keys, values: values, slots: slots, biases: biases, size: size
    ).clusters(Self.pools)
    clusters = AlignedBuffer(count: Self.pools.count * order.count, repeating: 0)
    for (index, cluster) in found.joined().enumerated() {
      unsafe clusters.base[index] = Int32(cluster)
    }
    errors = AlignedBuffer(count: Self.pools.count * order.count, repeating: 0)
    asked = Array(repeating: 0, count: order.count)
    room = AlignedBuffer(count: (2 + Self.pools.last! + order.count) * size, repeating: 0)
    columns = AlignedBuffer(count: 4 * order.count, repeating: 0)
    sums = AlignedBuffer(count: 3 * Self.pools.last!, repeating: 0)
  }

  private var logits: UnsafeMutablePointer<Float> { unsafe columns.base }
  private var weights: UnsafeMutablePointer<Float> { unsafe columns.base + slots.count }
  private var oldMasses: UnsafeMutablePointer<Float> { unsafe columns.base + 2 * slots.count }
  private var oldTokens: UnsafeMutablePointer<Float> { unsafe columns.base + 3 * slots.count }
  private var olds: UnsafeMutablePointer<Float> {
    unsafe room.base + (2 + Self.pools.last!) * size
  }

  /// Asks `query`, which saw the rows born up to `birth`.
  mutating func ask(_ query: UnsafePointer<Float>, birth: Int32) {
    let visible = births.partitioningIndex { $0 > birth }
    guard visible > 1 else { return }
    let mass = unsafe weigh(query, visible)
    sumOldRows(visible)
    for pool in Self.pools.indices { ask(pool, visible, mass: mass) }
  }

  /// The first rows' logits, weights and weighted values; returns the sum of weights.
  private func weigh(_ query: UnsafePointer<Float>, _ visible: Int) -> Float {
    let scale = 1 / Float(size).squareRoot()
    var top = -Float.infinity
    for row in 0..<visible {
      let logit = unsafe VectorOperations.dot(query, keys + slots[row] * size, size) * scale
      unsafe logits[row] = logit
      top = max(top, logit)
    }
    let prefixLogits = (0..<prefixRows).map {
      unsafe VectorOperations.dot(query, keys + $0 * size, size) * scale + prefixBiases[$0]
    }
    top = max(top, prefixLogits.max() ?? -.infinity)
    let total = unsafe room.base
    unsafe total.update(repeating: 0, count: size)
    var mass: Float = 0
    for row in 0..<visible {
      unsafe logits[row] -= top
      let weight = unsafe counts.base[row] * exp(logits[row])
      unsafe weights[row] = weight
      mass += weight
      unsafe VectorOperations.add(weight, values + slots[row] * size, to: total, size)
    }
    for row in 0..<prefixRows {
      let weight = exp(prefixLogits[row] - top)
      mass += weight
      unsafe VectorOperations.add(weight, values + row * size, to: total, size)
    }
    return mass
  }

  /// Weighted values, weights and tokens of the rows before each one.
  private func sumOldRows(_ visible: Int) {
    unsafe olds.update(repeating: 0, count: size)
    unsafe oldMasses[0] = 0
    unsafe oldTokens[0] = 0
    for row in 0..<visible - 1 {
      let next = unsafe olds + (row + 1) * size
      unsafe next.update(from: olds + row * size, count: size)
      unsafe VectorOperations.add(weights[row], values + slots[row] * size, to: next, size)
      unsafe oldMasses[row + 1] = oldMasses[row] + weights[row]
      unsafe oldTokens[row + 1] = oldTokens[row] + counts.base[row]
    }
  }

  private mutating func ask(_ pool: Int, _ visible: Int, mass: Float) {
    let most = Self.pools[pool]
    let total = unsafe room.base
    let merged = unsafe total + size
    let clusterSums = unsafe merged + size
    unsafe merged.update(repeating: 0, count: (1 + most) * size)
    let (held, logitSums, clusterWeights) = unsafe (sums.base, sums.base + most, sums.base + 2 * most)
    unsafe sums.base.update(repeating: 0, count: 3 * most)
    let clusters = unsafe self.clusters.base + pool * slots.count
    let errors = unsafe self.errors.base + pool * slots.count
    var mergedMass: Float = 0
    for row in 0..<visible {
      // Rows before `row` are old, the others are the window and the query's own.
      let window = visible - row - 1
      let (oldMass, oldTokens) = unsafe (oldMasses[row], self.oldTokens[row])
      if oldTokens >= Float(moment.fewest) {
        let growth =
          moment.anticipatesGrowth
          ? max(Float(moment.horizon - Double(window)) / oldTokens, 1) : 1
        unsafe errors[window] += Double(
          VectorOperations.outputError(
            total: total, merged: merged, old: olds + row * size,
            a: 1 / (mass - oldMass + growth * mergedMass), b: growth,
            c: 1 / (mass + (growth - 1) * oldMass), d: growth - 1, size))
        if pool == 0 { asked[window] += 1 }
      }
      guard most > 0 else { continue }
      let cluster = unsafe Int(clusters[row])
      let count = unsafe counts.base[row]
      let before = unsafe held[cluster] > 0 ? clusterWeights[cluster] / held[cluster] : 0
      mergedMass -= unsafe clusterWeights[cluster]
      unsafe held[cluster] += count
      unsafe logitSums[cluster] += count * logits[row]
      let share = unsafe exp(logitSums[cluster] / held[cluster])
      unsafe clusterWeights[cluster] = held[cluster] * share
      mergedMass += unsafe clusterWeights[cluster]
      unsafe VectorOperations.regroup(
        merged, clusterSums + cluster * size, adding: values + slots[row] * size,
        a: share - before, b: share * count, c: count, size)
    }
  }

  /// The curve of what has been asked.
  ///
  /// - Parameter gain: what a squared error of the head's output counts for.
  consuming func curve(gain: Double) -> DistortionCurve {
    var points: [DistortionCurve.Point] = []
    for (pool, size) in Self.pools.enumerated() {
      var error = Double.greatestFiniteMagnitude
      for window in 0..<slots.count {
        // Few queries saw this window with rows beyond it: what is known of the last holds on.
        if asked[window] >= max(Self.queries / 4, 2) {
          error = unsafe errors.base[pool * slots.count + window] / Double(asked[window]) * gain
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
