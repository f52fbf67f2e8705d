/// Splits rows so that the heads' errors sum to as little as can be.
///
/// Rate-distortion allocation: rows go where the next one saves most, along each head's convex hull
/// (Shoham and Gersho, "Efficient bit allocation for an arbitrary set of quantizers", 1988).
package enum DistortionSplit {
  /// Budgets that sum to `total` exactly.
  ///
  /// - Precondition: `total` is between `least` and `shape.fullRows` for each head.
  /// - Complexity: O(heads^2 * points).
  package static func budgets(
    _ curves: HeadMap<DistortionCurve>, total: Int, least: Int, _ shape: SequenceShape
  ) -> HeadMap<HeadBudget> {
    let count = curves.values.count
    let hulls = curves.values.map { $0.hull(from: least) }
    var at = [Int](repeating: 0, count: count)
    var rows = [Int](repeating: least, count: count)
    var left = total - least * count
    while left > 0 {
      var best = -1
      var bestGain = 0.0
      for head in 0..<count where at[head] + 1 < hulls[head].count {
        let (a, b) = (hulls[head][at[head]], hulls[head][at[head] + 1])
        guard b.rows - rows[head] <= left, b.rows <= shape.fullRows else { continue }
        let gain = DistortionCurve.gain(a, b)
        if gain > bestGain {
          best = head
          bestGain = gain
        }
      }
      guard best >= 0 else { break }
      at[best] += 1
      left -= hulls[best][at[best]].rows - rows[best]
      rows[best] = hulls[best][at[best]].rows
    }
    // What no measured gain asks for is shared evenly.
    while left > 0 {
      for head in 0..<count where left > 0 && rows[head] < shape.fullRows {
        rows[head] += 1
        left -= 1
      }
    }
    return HeadMap(layers: shape.layers, heads: shape.heads) { layer, head in
      let kept = rows[layer * shape.heads + head]
      return curves[layer, head].point(rows: kept).budget(rows: kept, shape)
    }
  }
}

extension DistortionCurve.Point {
  /// This point's way of keeping rows with `kept` of them; rows to spare go to both halves.
  func budget(rows kept: Int, _ shape: SequenceShape) -> HeadBudget {
    let free = kept - shape.prefixRows
    if pool == 0 { return HeadBudget(rows: kept, window: max(free, 1), type: .local) }
    let spare = max(free - window - pool, 0)
    return HeadBudget(
      rows: kept, window: min(max(window + spare / 2, 1), max(free - 1, 1)), type: .global)
  }
}
