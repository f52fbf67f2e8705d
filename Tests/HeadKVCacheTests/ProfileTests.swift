import Foundation
import Testing

import HeadKVCache

private let grid = TokenGrid(width: 8, height: 8)
private let shape = SequenceShape(
  layers: 2, heads: 2, headDimension: 4, prefixRows: 1, grid: grid)

/// Draws tokens whose logits are a function of head and age, and profiles the queries in `range`.
private func profile(
  tokens: Range<Int>, tau: Double = 0.9, domain: ProfileDomain = .visual,
  logits: @escaping (_ layer: Int, _ head: Int, _ row: CacheRow, _ now: Int32) -> Float
) -> HeadProfile {
  let profiler = HeadProfiler(shape, tokens: tokens, tau: tau, domain: domain)
  let session = CacheSession(.full(shape), observers: [profiler])
  for step in 0...tokens.upperBound {
    session.advance(shape, step: step) { logits($0, $1, $2, Int32(step)) }
  }
  return profiler.profile()
}

@Suite struct HeadProfilerTests {
  @Test(arguments: [0.5, 0.9, 1]) func anEvenHeadHasEntropyOneAndReachesTauOfAllTokens(
    tau: Double
  ) {
    let found = profile(tokens: 39..<40, tau: tau) { _, _, _, _ in 0 }
    for head in found.heads.values {
      #expect(abs(head.entropy - 1) < 1e-5)
      #expect(head.reach == (tau * 40).rounded(.up))
      #expect(abs(head.prefixMass - 1.0 / 41) < 1e-6)
      #expect(head.type(window: 16) == .global)
      #expect(head.concentration.prefix(40).allSatisfy { abs($0 - 1.0 / 40) < 1e-6 })
      #expect(abs(head.farMass - found.evenFarMass) < 1e-5)
    }
  }

  @Test func aPreviousTokenHeadIsLocal() {
    let found = profile(tokens: 20..<40) { layer, _, row, now in
      layer == 1 ? 0 : row.birth == now - 1 ? 30 : 0
    }
    for head in found.heads[layer: 0] {
      #expect(head.entropy < 0.01 && head.type(window: 16) == .local)
      #expect(abs(head.reach - 2) < 1e-6)
      #expect(head.ageMass[1] > 0.999 && head.concentration.count == 40)
      // The token before stands left of the query, but for two that begin a row of the grid.
      #expect(abs(head.offsetMass[up: 0, right: -1] - 18.0 / 20) < 1e-4)
    }
    #expect(found.heads[layer: 1].allSatisfy { $0.type(window: 16) == .global })
  }

  @Test func aHeadThatLooksTwoRowsUpIsPeakedAndReachesThatFar() {
    let found = profile(tokens: 24..<40) { _, _, row, now in
      row.position == now - 1 - 16 ? 40 : 0
    }
    for head in found.heads.values {
      #expect(head.offsetMass[up: 2, right: 0] > 0.999 && head.rowMass[2] > 0.999)
      #expect(abs(head.reach - 17) < 1e-6 && head.entropy < 0.001)
      #expect(head.farMass > 0.999)
      // Masses of a query sum to one, however they are told apart.
      let offsets = head.offsetMass.values.reduce(0, +) + head.offsetMass.rest
      #expect(abs(offsets - 1) < 1e-4 && abs(head.ageMass.reduce(0, +) - 1) < 1e-4)
      #expect(abs(head.rowMass.reduce(0, +) - 1) < 1e-4)
    }
  }

  @Test func thePrefixCountsInTheDomainOfAllRows() {
    func reach(_ domain: ProfileDomain) -> Double {
      profile(tokens: 29..<30, domain: domain) { _, _, row, _ in row.isPrefix ? 30 : 0 }
        .heads[0, 0].reach
    }
    #expect(reach(.all) == 31)
    #expect(reach(.visual) <= 27)
  }

  @Test func observingTakesNoMoreThanTheTokensAskedFor() {
    let found = profile(tokens: 10..<12) { _, _, row, now in
      now - 1 >= 10 && now - 1 < 12 ? 0 : row.birth == now ? 30 : 0
    }
    #expect(found.heads.values.allSatisfy { abs($0.entropy - 1) < 1e-5 })
  }
}

@Suite struct HeadProfileTests {
  private let profile = HeadKVCacheTests.profile(tokens: 10..<20) { layer, head, row, now in
    Float(layer) + Float(now - row.birth) * Float(head) / 9
  }

  @Test func jsonRoundTrip() throws {
    let data = try profile.json()
    #expect(try HeadProfile(json: data) == profile)
    #expect(try HeadProfile(json: data).json() == data)
  }

  /// Every field that is wrong or missing is named.
  @Test(arguments: [
    ("\"tau\":0.9", "\"tau\":1.5", "tau"), ("\"tau\":0.9", "\"tao\":0.9", "tau"),
    ("\"tau\":0.9", "\"tau\":\"x\"", "tau"), ("\"gridWidth\":8", "\"gridWidth\":0", "gridWidth"),
    ("\"layers\":2", "\"layers\":3", "statistics"), ("\"lastQuery\":19", "\"lastQuery\":3", "last"),
    ("\"lastQuery\":19", "\"lastQuery\":64", "lastQuery"), ("visual", "nowhere", "domain"),
    ("\"prefixMass\":0", "\"prefixMass\":-0", "prefixMass"), ("[[{", "[[],[{", "statistics"),
    ("{", "[", "JSON"),
  ]) func corruptJSON(field: String, replacement: String, names: String) throws {
    let text = String(decoding: try profile.json(), as: UTF8.self)
    let range = try #require(text.range(of: field))
    let corrupt = text.replacingCharacters(in: range, with: replacement)
    do {
      _ = try HeadProfile(json: Data(corrupt.utf8))
      Issue.record("accepted \(replacement)")
    } catch {
      #expect("\(error)".contains(names), "\(error)")
    }
  }

  @Test func agreementOfProfiles() throws {
    let same = try ProfileAgreement(early: profile, late: profile, window: 8)
    #expect(same.entropy == 1 && same.reach == 1 && same.types == 1)
    #expect(same.entropyWithinLayers == 1 && same.globalTakenForLocal == 0)
    var late = profile
    let entropies = late.heads.values.map(\.entropy)
    for index in entropies.indices { late.heads[index / 2, index % 2].entropy = -entropies[index] }
    #expect(try ProfileAgreement(early: profile, late: late, window: 8).entropy == -1)
    for layer in 0..<2 { late.heads[layer, 0].reach = 60 }
    let types = try ProfileAgreement(early: profile, late: late, window: 62)
    #expect(types.types == 1)
    let one = HeadProfile(
      grid: grid, prefixRows: 1, queries: 0..<1, tau: 0.9, domain: .all,
      heads: HeadMap(repeating: profile.heads[0, 0], layers: 1, heads: 1))
    #expect(throws: ProfileError.self) {
      try ProfileAgreement(early: profile, late: one, window: 8)
    }
  }

  @Test func rankCorrelation() {
    #expect(ProfileAgreement.rankCorrelation([1, 2, 3], [10, 20, 90]) == 1)
    #expect(ProfileAgreement.rankCorrelation([1, 2, 3], [3, 2, 1]) == -1)
    #expect(ProfileAgreement.rankCorrelation([5, 5], [1, 1]) == 1)
    #expect(ProfileAgreement.rankCorrelation([5, 5], [1, 2]) == 0)
    // Ties share their mean rank: 0, 1.5, 1.5, 3 against 0, 1, 2, 3.
    let tied = ProfileAgreement.rankCorrelation([1, 2, 2, 3], [1, 2, 3, 4])
    #expect(abs(tied - 4.5 / (4.5 * 5).squareRoot()) < 1e-12)
  }

  @Test func optionsAreChecked() {
    #expect(throws: ProfileError.self) { try ProfilingOptions(tokens: 0) }
    #expect(throws: ProfileError.self) { try ProfilingOptions(tokens: 4, queries: 5) }
    #expect(throws: ProfileError.self) { try ProfilingOptions(tokens: 4, tau: 0) }
    #expect(throws: ProfileError.self) { try ProfilingOptions(tokens: 4, tau: .nan) }
  }
}

@Suite struct EffectiveRankTests {
  @Test func ofKnownMatrices() throws {
    let identity: [Float] = [1, 0, 0, 0, 1, 0, 0, 0, 1]
    #expect(abs(try #require(EffectiveRank.of(identity, rows: 3, columns: 3)) - 3) < 1e-6)
    let one: [Float] = [1, 2, 2, 4, 3, 6]
    #expect(abs(try #require(EffectiveRank.of(one, rows: 3, columns: 2)) - 1) < 1e-3)
    // Energies 4 and 1: exp of the entropy of (0.8, 0.2).
    let two = try #require(EffectiveRank.of([2, 0, 0, 1], rows: 2, columns: 2))
    #expect(abs(two - exp(-(0.8 * log(0.8) + 0.2 * log(0.2)))) < 1e-6)
    #expect(EffectiveRank.of([0, 0], rows: 1, columns: 2) == 0)
    #expect(EffectiveRank.of([.nan, 0], rows: 1, columns: 2) == nil)
  }

  @Test func ofTheHeadsOfASession() throws {
    let session = CacheSession(.full(shape))
    for step in 0...20 {
      // Head 0 repeats one key, head 1 has keys in all directions.
      session.advance(
        shape, step: step,
        key: { _, head in (0..<4).map { head == 0 ? Float($0 + 1) : $0 == step % 4 ? 1 : 0 } })
    }
    #expect(abs(try #require(session.effectiveRanks(layer: 1, head: 0).key) - 1) < 1e-3)
    #expect(abs(try #require(session.effectiveRanks(layer: 1, head: 1).key) - 4) < 1e-3)
    #expect(abs(try #require(session.effectiveRanks(layer: 0, head: 1).value) - 4) < 1e-3)
  }
}

@Suite struct ProfileMeanTests {
  private func even(_ keyRank: Double?) -> HeadProfile {
    var found = profile(tokens: 39..<40) { _, _, _, _ in 0 }
    found.heads[0, 0].keyRank = keyRank
    return found
  }

  @Test func isTheMeanOfEachHead() throws {
    let peaked = profile(tokens: 39..<40) { _, _, row, now in row.birth == now - 1 ? 30 : 0 }
    let mean = try HeadProfile(meanOf: [even(nil), peaked])
    for head in mean.heads.values {
      #expect(abs(head.entropy - 0.5) < 0.001 && abs(head.reach - (36 + 2) / 2) < 1e-6)
      #expect(abs(head.ageMass[1] - (1 + 1.0 / 40) / 2) < 1e-3)
      #expect(abs(head.ageMass.reduce(0, +) - 1) < 1e-5)
      #expect(abs(head.offsetMass.values.reduce(head.offsetMass.rest, +) - 1) < 1e-5)
    }
    #expect(try HeadProfile(json: mean.json()) == mean)
  }

  @Test func ranksThatAreUnknownDoNotCountAsZero() throws {
    let mean = try HeadProfile(meanOf: [even(6), even(nil), even(4)])
    #expect(mean.heads[0, 0].keyRank == 5 && mean.heads[0, 0].valueRank == nil)
    #expect(mean.heads[1, 1].keyRank == nil)
  }

  @Test func profilesOfDifferentTokensHaveNoMean() {
    let other = profile(tokens: 30..<40) { _, _, _, _ in 0 }
    #expect(throws: ProfileError.self) { try HeadProfile(meanOf: [even(nil), other]) }
    #expect(throws: ProfileError.self) { try HeadProfile(meanOf: []) }
  }
}
