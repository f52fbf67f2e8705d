import Foundation
import HeadKV
import HeadKVReport

/// A profile as tables and maps show it, layer by layer.
struct ProfileMaps: Encodable {
  let layers: Int
  let heads: Int
  let entropy: [Double]
  let reach: [Double]
  let prefixMass: [Double]
  /// Absent where it was not measured.
  let keyRank: [Double?]
  let valueRank: [Double?]
  let types: [HeadType]

  init(_ profile: HeadProfile) {
    let all = profile.heads.values
    layers = profile.heads.layers
    heads = profile.heads.heads
    entropy = all.map(\.entropy)
    reach = all.map(\.reach)
    prefixMass = all.map(\.prefixMass)
    keyRank = all.map(\.keyRank)
    valueRank = all.map(\.valueRank)
    types = all.map { $0.type(window: 2 * profile.grid.width) }
  }

  var table: String {
    func say(_ rank: Double?) -> String {
      rank.map { String(format: "%7.1f", $0) } ?? "      -"
    }
    var lines = ["layer head  entropy   reach  prefix  rank K  rank V  type"]
    for index in entropy.indices {
      lines.append(
        String(
          format: "%5d %4d  %7.3f %7.1f %7.3f ", index / heads, index % heads, entropy[index],
          reach[index], prefixMass[index])
          + "\(say(keyRank[index])) \(say(valueRank[index]))  \(types[index].rawValue)")
    }
    return lines.joined(separator: "\n")
  }

  func figures() throws -> [HeadKVReport.HeadMap] {
    [
      try .init(
        title: "Entropy", subtitle: "0: a single row, 1: even", layers: layers, heads: heads,
        content: .values(entropy, range: 0...1)),
      try .init(
        title: "Reach", subtitle: "newest tokens that hold tau of the mass", layers: layers,
        heads: heads, content: .values(reach, digits: 0)),
      try .init(
        title: "Type", layers: layers, heads: heads,
        content: .types(types.map { $0 == .local ? 0 : 1 }, names: ["local", "global"])),
      try .init(
        title: "Effective rank of keys", layers: layers, heads: heads,
        content: .values(keyRank.map { $0 ?? .nan }, digits: 0)),
    ]
  }

  /// Where the heads look, by offset on the grid.
  static func offsets(_ profile: HeadProfile) throws -> HeadKVReport.OffsetMap {
    let columns = 2 * OffsetMass.columns + 1
    return try .init(
      title: "Attention by offset", subtitle: "last line: the token's own",
      lines: OffsetMass.rows, columns: columns,
      heads: profile.heads.values.enumerated().map { index, head in
        let mass = head.offsetMass.values.map(Double.init)
        let lines = (0..<OffsetMass.rows).reversed().flatMap {
          mass[$0 * columns..<($0 + 1) * columns]
        }
        let layer = index / profile.heads.heads
        return .init(name: "\(layer).\(index % profile.heads.heads)", mass: lines)
      })
  }
}
