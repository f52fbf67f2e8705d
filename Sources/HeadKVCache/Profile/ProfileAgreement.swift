/// How well an early profile of the heads tells a later one.
public struct ProfileAgreement: Sendable, Hashable, Codable {
  /// Rank correlation (Spearman) of the heads' entropies over the whole model, and the mean of
  /// those within each layer.
  public let entropy: Double
  public let entropyWithinLayers: Double
  public let reach: Double
  public let reachWithinLayers: Double
  /// Share of heads whose type stays.
  public let types: Double
  /// Share of heads that were called local and turn out global: the error that costs.
  public let globalTakenForLocal: Double

  /// - Parameter window: newest tokens that hold a local head's mass.
  /// - Throws: ``ProfileError`` if the profiles are of different shapes.
  public init(early: HeadProfile, late: HeadProfile, window: Int) throws(ProfileError) {
    let (a, b) = (early.heads, late.heads)
    guard a.layers == b.layers, a.heads == b.heads else {
      throw .value(
        "late profile", "of \(b.layers) layers with \(b.heads) heads",
        "of \(a.layers) with \(a.heads)")
    }
    entropy = Self.overall(a, b, \.entropy)
    entropyWithinLayers = Self.withinLayers(a, b, \.entropy)
    reach = Self.overall(a, b, \.reach)
    reachWithinLayers = Self.withinLayers(a, b, \.reach)
    let types = zip(a.values, b.values).map { ($0.type(window: window), $1.type(window: window)) }
    let count = Double(types.count)
    self.types = Double(types.count { $0 == $1 }) / count
    globalTakenForLocal = Double(types.count { $0 == .local && $1 == .global }) / count
  }

  private static func overall(
    _ a: HeadMap<HeadStatistics>, _ b: HeadMap<HeadStatistics>,
    _ value: KeyPath<HeadStatistics, Double>
  ) -> Double {
    rankCorrelation(a.values.map { $0[keyPath: value] }, b.values.map { $0[keyPath: value] })
  }

  private static func withinLayers(
    _ a: HeadMap<HeadStatistics>, _ b: HeadMap<HeadStatistics>,
    _ value: KeyPath<HeadStatistics, Double>
  ) -> Double {
    (0..<a.layers).reduce(0.0) { sum, layer in
      sum
        + rankCorrelation(
          a[layer: layer].map { $0[keyPath: value] }, b[layer: layer].map { $0[keyPath: value] })
    } / Double(a.layers)
  }

  /// Spearman's rank correlation: Pearson's of the ranks, ties sharing their mean rank; 1 if
  /// neither varies, 0 if only one does.
  ///
  /// - Precondition: both have the same number of values.
  /// - Complexity: O(n log n).
  public static func rankCorrelation(_ a: [Double], _ b: [Double]) -> Double {
    precondition(a.count == b.count, "values in pairs")
    let (x, y) = (ranks(a), ranks(b))
    let mean = Double(a.count - 1) / 2
    var (xy, xx, yy) = (0.0, 0.0, 0.0)
    for index in x.indices {
      xy += (x[index] - mean) * (y[index] - mean)
      xx += (x[index] - mean) * (x[index] - mean)
      yy += (y[index] - mean) * (y[index] - mean)
    }
    if xx == 0 && yy == 0 { return 1 }
    return xx == 0 || yy == 0 ? 0 : xy / (xx * yy).squareRoot()
  }

  private static func ranks(_ values: [Double]) -> [Double] {
    let order = values.indices.sorted { values[$0] < values[$1] }
    var ranks = [Double](repeating: 0, count: values.count)
    var start = 0
    while start < order.count {
      var end = start
      while end + 1 < order.count, values[order[end + 1]] == values[order[start]] { end += 1 }
      for index in start...end { ranks[order[index]] = Double(start + end) / 2 }
      start = end + 1
    }
    return ranks
  }
}
