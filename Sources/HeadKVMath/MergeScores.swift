internal import CHeadKVKernels

/// Bounds of what merging rows costs, one for each row.
package enum MergeScores {
  /// scores[i] = min(scores[i], costs[j]) for i = rows[j], costs below the least normal number
  /// counting as that. Returns the row of the least cost, the first of equal ones, and that cost; nil
  /// if none is finite. What is no number changes nothing.
  package static func lower(
    _ scores: UnsafeMutablePointer<Float>, of rows: UnsafeBufferPointer<Int32>,
    to costs: UnsafePointer<Float>
  ) -> (row: Int, cost: Float)? {
    var (least, row) = (Float.infinity, -1)
    for index in rows.indices {
      let place = unsafe Int(rows[index])
      let cost = unsafe costs[index] < .leastNormalMagnitude ? .leastNormalMagnitude : costs[index]
      if unsafe cost < scores[place] { unsafe scores[place] = cost }
      if cost < least { (least, row) = (cost, place) }
    }
    return row >= 0 ? (row, least) : nil
  }

  /// The row with the lowest score from `first` on among those born before `before`, the first of
  /// equal ones; nil if no score is finite.
  package static func lowest(
    _ scores: UnsafePointer<Float>, births: UnsafePointer<Int32>, before: Int32, first: Int,
    rows: Int
  ) -> Int? {
    precondition(first >= 0 && first <= rows, "no such rows")
    let place = unsafe hkv_lowest_score(scores, births, before, first, rows)
    return place < rows ? place : nil
  }

  /// The first row from `first` on, among those born before `before`, whose score is `score`; nil if
  /// there is none.
  ///
  /// - Precondition: `score` is finite.
  package static func row(
    of score: Float, in scores: UnsafePointer<Float>, births: UnsafePointer<Int32>, before: Int32,
    first: Int, rows: Int
  ) -> Int? {
    precondition(first >= 0 && first <= rows && score.isFinite, "no such rows")
    let place = unsafe hkv_equal_score(scores, births, before, first, rows, score)
    return place < rows ? place : nil
  }
}
