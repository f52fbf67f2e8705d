/// Agreement of two orders of the same things.
public enum RankCorrelation {
  /// Spearman's rho of the pairs in which both values are finite; ties share the mean of their
  /// ranks. NaN if fewer than two pairs are left or all values of a side are equal. O(n log n).
  ///
  /// - Throws: ``ReportError`` if the numbers of values differ.
  public static func spearman(
    _ values: [Double], _ others: [Double]
  ) throws(ReportError) -> Double {
    guard values.count == others.count else {
      throw ReportError("\(values.count) and \(others.count) values cannot be paired")
    }
    let pairs = zip(values, others).filter { $0.isFinite && $1.isFinite }
    let (first, second) = (ranks(pairs.map(\.0)), ranks(pairs.map(\.1)))
    // The mean of n ranks, ties or not.
    let mean = (Double(pairs.count) - 1) / 2
    var (both, one, other) = (0.0, 0.0, 0.0)
    for (a, b) in zip(first, second) {
      both += (a - mean) * (b - mean)
      one += (a - mean) * (a - mean)
      other += (b - mean) * (b - mean)
    }
    return one > 0 && other > 0 ? both / (one * other).squareRoot() : .nan
  }

  private static func ranks(_ values: [Double]) -> [Double] {
    let order = values.indices.sorted { values[$0] < values[$1] }
    var ranks = [Double](repeating: 0, count: values.count)
    var start = 0
    while start < order.count {
      var end = start + 1
      while end < order.count, values[order[end]] == values[order[start]] { end += 1 }
      for at in start..<end { ranks[order[at]] = Double(start + end - 1) / 2 }
      start = end
    }
    return ranks
  }
}
