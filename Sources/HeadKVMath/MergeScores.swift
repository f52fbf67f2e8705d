internal import CHeadKVKernels

/// Bounds of what merging rows costs, one for each row.
package enum MergeScores {
  /// scores[i] = min(scores[i], costs[i]) for the rows from `first` on, costs below the least normal
  /// number counting as that. Returns the row of the least cost, the first of equal ones; nil if none
  /// is finite.
  package static func lower(
    _ scores: UnsafeMutablePointer<Float>, to costs: UnsafePointer<Float>, first: Int, rows: Int
  ) -> Int? {
    precondition(first >= 0 && first <= rows, "no such rows")
    let place = unsafe hkv_lower_scores(scores, costs, first, rows)
    return place < rows ? place : nil
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
}
