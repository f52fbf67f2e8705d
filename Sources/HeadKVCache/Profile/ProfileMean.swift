extension HeadProfile {
  /// The mean of profiles of the same heads on several sequences, head by head.
  ///
  /// An effective rank is the mean of those there are, and absent if there are none.
  ///
  /// - Throws: ``ProfileError`` if there is no profile or they differ in what they profile.
  public init(meanOf profiles: [HeadProfile]) throws(ProfileError) {
    guard let first = profiles.first else { throw .malformed("a mean of no profiles") }
    for profile in profiles {
      guard profile.isComparable(to: first) else {
        throw .value("one profile of a mean", profile.measure, first.measure)
      }
    }
    self = first
    for layer in 0..<heads.layers {
      for head in 0..<heads.heads {
        heads[layer, head] = HeadStatistics(meanOf: profiles.map { $0.heads[layer, head] })
      }
    }
  }

  private func isComparable(to other: HeadProfile) -> Bool {
    measure == other.measure && zip(heads.values, other.heads.values).allSatisfy {
      $0.ageMass.count == $1.ageMass.count && $0.rowMass.count == $1.rowMass.count
        && $0.concentration.count == $1.concentration.count
        && $0.offsetMass.values.count == $1.offsetMass.values.count
    }
  }

  /// What is profiled and how, in words.
  private var measure: String {
    "\(heads.layers) layers of \(heads.heads) heads, grid \(grid.width)x\(grid.height), "
      + "\(prefixRows) prefix rows, tokens \(queries), tau \(tau), domain \(domain.rawValue)"
  }
}

extension HeadStatistics {
  /// - Precondition: at least one; their lists are of the same lengths.
  init(meanOf all: [HeadStatistics]) {
    func mean(_ values: [Double]) -> Double { values.reduce(0, +) / Double(values.count) }
    func means(_ list: (HeadStatistics) -> [Float]) -> [Float] {
      list(all[0]).indices.map { index in Float(mean(all.map { Double(list($0)[index]) })) }
    }
    func known(_ rank: (HeadStatistics) -> Double?) -> Double? {
      let values = all.compactMap(rank)
      return values.isEmpty ? nil : mean(values)
    }
    self.init(
      entropy: mean(all.map(\.entropy)), reach: mean(all.map(\.reach)),
      prefixMass: mean(all.map(\.prefixMass)), ageMass: means(\.ageMass), rowMass: means(\.rowMass),
      offsetMass: OffsetMass(
        values: means(\.offsetMass.values), rest: Float(mean(all.map { Double($0.offsetMass.rest) }))),
      concentration: means(\.concentration), keyRank: known(\.keyRank),
      valueRank: known(\.valueRank))
  }
}
