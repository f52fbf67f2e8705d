import Foundation
import HeadKV

/// How well early profiles tell late ones: means over pictures.
struct Agreement: Encodable {
  let entropy: Double
  let entropyWithinLayers: Double
  let reach: Double
  let reachWithinLayers: Double
  /// Absent if no picture has all effective ranks.
  let keyRank: Double?
  let valueRank: Double?
  /// Rank correlation of the early effective ranks with the late entropy.
  let keyRankWithLateEntropy: Double?
  let valueRankWithLateEntropy: Double?
  let types: Double
  let globalTakenForLocal: Double

  init(_ early: [HeadProfile], _ late: [HeadProfile]) throws {
    let pairs = Array(zip(early, late))
    let found = try pairs.map {
      try ProfileAgreement(early: $0, late: $1, window: 2 * $0.grid.width)
    }
    func mean(_ values: [Double]) -> Double { values.reduce(0, +) / Double(values.count) }
    /// Over the pictures of which all heads have both values.
    func correlation(
      _ a: (HeadStatistics) -> Double?, _ b: (HeadStatistics) -> Double?
    ) -> Double? {
      let known = pairs.compactMap { early, late -> Double? in
        let (x, y) = (early.heads.values.compactMap(a), late.heads.values.compactMap(b))
        guard x.count == early.heads.values.count, y.count == x.count else { return nil }
        return ProfileAgreement.rankCorrelation(x, y)
      }
      return known.isEmpty ? nil : mean(known)
    }
    entropy = mean(found.map(\.entropy))
    entropyWithinLayers = mean(found.map(\.entropyWithinLayers))
    reach = mean(found.map(\.reach))
    reachWithinLayers = mean(found.map(\.reachWithinLayers))
    types = mean(found.map(\.types))
    globalTakenForLocal = mean(found.map(\.globalTakenForLocal))
    keyRank = correlation(\.keyRank, \.keyRank)
    valueRank = correlation(\.valueRank, \.valueRank)
    keyRankWithLateEntropy = correlation(\.keyRank, \.entropy)
    valueRankWithLateEntropy = correlation(\.valueRank, \.entropy)
  }

  var text: String {
    func say(_ value: Double?) -> String { value.map { String(format: "%.3f", $0) } ?? "unknown" }
    return """
      early against late, rank correlation over all heads (within layers):
        entropy \(say(entropy)) (\(say(entropyWithinLayers))), \
      reach \(say(reach)) (\(say(reachWithinLayers))), \
      effective rank of keys \(say(keyRank)), of values \(say(valueRank))
        early effective rank against late entropy: keys \(say(keyRankWithLateEntropy)), \
      values \(say(valueRankWithLateEntropy))

      """
      + String(
        format: "types agree for %.1f %% of heads; %.1f %% are taken for local and turn out global",
        types * 100, globalTakenForLocal * 100)
  }
}
