/// Largest error in units of `bound[i]`: at most 1 when every element is within its bound.
package func worstError(
  _ found: [Float], _ expected: [Double], bound: (Int) -> Double
) -> Double {
  guard found.count == expected.count else { return .infinity }
  var worst = 0.0
  for index in expected.indices {
    let error = abs(Double(found[index]) - expected[index]) / bound(index)
    // A comparison with NaN is false: let it count as the worst.
    worst = error.isNaN ? .infinity : max(worst, error)
  }
  return worst
}
