import Foundation
internal import HeadKVFiles

/// What the heads of a model look at in one sequence.
///
/// Decoding checks shapes and ranges and names what is wrong.
public struct HeadProfile: Sendable, Hashable {
  public var grid: TokenGrid
  public var prefixRows: Int
  /// Tokens of the picture whose queries were profiled, from the first on.
  public var queries: Range<Int>
  public var tau: Double
  public var domain: ProfileDomain
  public var heads: HeadMap<HeadStatistics>

  public init(
    grid: TokenGrid, prefixRows: Int, queries: Range<Int>, tau: Double, domain: ProfileDomain,
    heads: HeadMap<HeadStatistics>
  ) {
    self.grid = grid
    self.prefixRows = prefixRows
    self.queries = queries
    self.tau = tau
    self.domain = domain
    self.heads = heads
  }

  /// ``HeadStatistics/farMass`` of a head that looks at every visible token alike, in raster order.
  public var evenFarMass: Double {
    queries.reduce(0.0) { sum, token in
      sum + Double(max(token / grid.width - 1, 0) * grid.width) / Double(token + 1)
    } / Double(queries.count)
  }

  /// - Throws: ``ProfileError`` naming the field that is missing or out of range.
  public init(json: Data) throws(ProfileError) {
    do {
      self = try JSONDecoder().decode(HeadProfile.self, from: json)
    } catch let error as ProfileError {
      throw error
    } catch let error as DecodingError {
      throw .malformed(error.reason)
    } catch {
      throw .malformed("\(error)")
    }
  }

  /// The profile as JSON, keys sorted.
  public func json() throws -> Data {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys]
    return try encoder.encode(self)
  }
}

extension HeadProfile: Codable {
  private enum Key: String, CodingKey {
    case gridWidth, gridHeight, layers, heads, prefixRows, firstQuery, lastQuery, tau, domain
    case statistics
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: Key.self)
    try container.encode(grid.width, forKey: .gridWidth)
    try container.encode(grid.height, forKey: .gridHeight)
    try container.encode(heads.layers, forKey: .layers)
    try container.encode(heads.heads, forKey: .heads)
    try container.encode(prefixRows, forKey: .prefixRows)
    try container.encode(queries.lowerBound, forKey: .firstQuery)
    try container.encode(queries.upperBound - 1, forKey: .lastQuery)
    try container.encode(tau, forKey: .tau)
    try container.encode(domain, forKey: .domain)
    try container.encode(heads, forKey: .statistics)
  }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: Key.self)
    func integer(_ key: Key, _ range: ClosedRange<Int>) throws -> Int {
      let value = try container.decode(Int.self, forKey: key)
      guard range.contains(value) else {
        throw ProfileError.value(
          key.rawValue, "\(value)", "between \(range.lowerBound) and \(range.upperBound)")
      }
      return value
    }
    grid = TokenGrid(
      width: try integer(.gridWidth, 1...65_536), height: try integer(.gridHeight, 1...65_536))
    prefixRows = try integer(.prefixRows, 0...1_000_000)
    let first = try integer(.firstQuery, 0...grid.count - 1)
    queries = first..<(try integer(.lastQuery, first...grid.count - 1)) + 1
    tau = try container.decode(Double.self, forKey: .tau)
    guard tau > 0, tau <= 1 else { throw ProfileError.value("tau", "\(tau)", "above 0, at most 1") }
    domain = try container.decode(ProfileDomain.self, forKey: .domain)
    heads = try container.decode(HeadMap<HeadStatistics>.self, forKey: .statistics)
    let (layers, count) = (try integer(.layers, 1...65_536), try integer(.heads, 1...65_536))
    guard heads.layers == layers, heads.heads == count else {
      throw ProfileError.value(
        "statistics", "of \(heads.layers) layers with \(heads.heads) heads",
        "of \(layers) with \(count)")
    }
    for statistics in heads.values { try check(statistics) }
  }

  private func check(_ statistics: HeadStatistics) throws(ProfileError) {
    func number(_ name: String, _ value: Double, _ most: Double) throws(ProfileError) {
      guard value >= 0, value <= most else {
        throw .value(name, "\(value)", "between 0 and \(most)")
      }
    }
    // Rounding may carry a mean a little beyond its bound.
    try number("entropy", statistics.entropy, 1.001)
    try number("reach", statistics.reach, Double(prefixRows + grid.count))
    try number("prefixMass", statistics.prefixMass, 1.001)
    try number("keyRank", statistics.keyRank ?? 0, 1e6)
    try number("valueRank", statistics.valueRank ?? 0, 1e6)
    guard statistics.offsetMass.values.count == OffsetMass.count else {
      throw .value(
        "offsetMass", "\(statistics.offsetMass.values.count) values", "\(OffsetMass.count)")
    }
    for masses in [
      statistics.ageMass, statistics.rowMass, statistics.offsetMass.values,
      statistics.concentration, [statistics.offsetMass.rest],
    ] {
      for mass in masses { try number("a mean weight", Double(mass), 1.001) }
    }
  }
}
