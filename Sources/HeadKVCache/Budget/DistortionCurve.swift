/// What a head's attention loses when it keeps fewer rows, as measured on the head itself.
///
/// A decreasing step function of the rows kept, each step with the way of keeping them that loses
/// least: so many newest rows, and so many that stand for all older ones.
package struct DistortionCurve: Sendable {
  package struct Point: Sendable, Hashable, Codable {
    /// Rows kept, prefix included.
    package var rows: Int
    package var window: Int
    /// Rows that stand for older tokens; 0: these are dropped.
    package var pool: Int
    /// Mean squared error of the head's output, scaled as it enters the residual stream.
    package var error: Double

    package init(rows: Int, window: Int, pool: Int, error: Double) {
      self.rows = rows
      self.window = window
      self.pool = pool
      self.error = error
    }
  }

  /// Ascending in rows, strictly descending in error.
  package let points: [Point]

  /// - Parameter candidates: in any order; at least one; of no negative number of rows.
  package init(_ candidates: [Point]) {
    // Of each number of rows the point with the least error: numbers are small, and sorting many
    // candidates takes longer.
    let most = candidates.lazy.map(\.rows).max() ?? 0
    var cheapest = [Int32](repeating: -1, count: most + 1)
    for (index, point) in candidates.enumerated() {
      let other = Int(cheapest[point.rows])
      if other < 0 || point.error < candidates[other].error { cheapest[point.rows] = Int32(index) }
    }
    var best: [Point] = []
    for index in cheapest where index >= 0 {
      let point = candidates[Int(index)]
      if best.last.map({ point.error < $0.error }) ?? true { best.append(point) }
    }
    points = best
  }

  /// The best way to spend `rows` rows; the cheapest there is if they are too few.
  package func point(rows: Int) -> Point { points.last { $0.rows <= rows } ?? points[0] }

  /// The points on the lower convex hull with at least `rows` rows: marginal gains fall along it.
  package func hull(from rows: Int) -> [Point] {
    var start = point(rows: rows)
    start.rows = max(rows, start.rows)
    var hull = [start]
    for point in points where point.rows > start.rows {
      while hull.count > 1, Self.gain(hull[hull.count - 2], hull[hull.count - 1])
        <= Self.gain(hull[hull.count - 1], point)
      {
        hull.removeLast()
      }
      hull.append(point)
    }
    return hull
  }

  /// Error saved for each row that is added from `a` to `b`.
  static func gain(_ a: Point, _ b: Point) -> Double {
    (a.error - b.error) / Double(b.rows - a.rows)
  }
}
