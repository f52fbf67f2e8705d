import Testing

import HeadKVCache

private let shape = SequenceShape(
  layers: 3, heads: 4, headDimension: 8, prefixRows: 1, grid: TokenGrid(width: 8, height: 8))

@Suite struct ApportionmentTests {
  /// Random weights and bounds: the sum is exact, bounds hold, larger weights get no less.
  @Test(arguments: 0..<20) func sumsExactlyWithinBounds(seed: Int) throws {
    var random = SplitMix(state: UInt64(seed))
    for _ in 0..<250 {
      let count = Int.random(in: 1...40, using: &random)
      let floors = (0..<count).map { _ in Int.random(in: 0...30, using: &random) }
      let ceilings = floors.map { $0 + Int.random(in: 0...200, using: &random) }
      let weights = (0..<count).map { _ in
        switch Int.random(in: 0...9, using: &random) {
        case 0: 0.0
        case 1: Double.random(in: 0...1e9, using: &random)
        case 2: [-1, .nan, .infinity, 1e-300].randomElement(using: &random)!
        default: Double.random(in: 0...1, using: &random)
        }
      }
      let total = Int.random(
        in: floors.reduce(0, +)...ceilings.reduce(0, +), using: &random)
      let rows = try Apportionment.split(
        total, weights: weights, floors: floors, ceilings: ceilings)
      #expect(rows.reduce(0, +) == total)
      for index in rows.indices {
        #expect(rows[index] >= floors[index] && rows[index] <= ceilings[index])
      }
    }
  }

  @Test func followsTheWeights() throws {
    func split(_ total: Int, _ weights: [Double]) throws -> [Int] {
      try Apportionment.split(
        total, weights: weights, floors: weights.map { _ in 0 }, ceilings: weights.map { _ in 99 })
    }
    #expect(try split(10, [1, 2, 2]) == [2, 4, 4])
    #expect(try split(11, [1, 1, 1]) == [4, 4, 3])
    #expect(try split(150, [1, 10, 0]) == [51, 99, 0])
    #expect(try split(7, [0, 0]) == [4, 3])
  }

  @Test func saysWhatDoesNotFit() {
    #expect(throws: BudgetError.tooSmall(total: 3, needed: 4)) {
      try Apportionment.split(3, weights: [1, 1], floors: [2, 2], ceilings: [9, 9])
    }
    #expect(throws: BudgetError.tooLarge(total: 19, most: 18)) {
      try Apportionment.split(19, weights: [1, 1], floors: [2, 2], ceilings: [9, 9])
    }
  }
}

@Suite struct BudgetRuleTests {
  /// A profile with random statistics.
  private func profile(_ random: inout SplitMix) -> HeadProfile {
    HeadProfile(
      grid: shape.grid, prefixRows: 1, queries: 10..<20, tau: 0.9, domain: .visual,
      heads: HeadMap(layers: shape.layers, heads: shape.heads) { _, _ in
        HeadStatistics(
          entropy: .random(in: 0...1, using: &random), reach: .random(in: 1...20, using: &random),
          prefixMass: 0, ageMass: [1],
          rowMass: (0..<8).map { _ in .random(in: 0...0.2, using: &random) },
          offsetMass: OffsetMass(values: Array(repeating: 0, count: OffsetMass.count), rest: 0),
          concentration: (0..<20).map { _ in Float.random(in: 0...1, using: &random) }
            .sorted(by: >))
      })
  }

  private static let rules: [any BudgetRule] = [
    UniformBudget(), UniformBudget(window: .gridRows(2)),
    HeadTypeBudget(spendsAll: true), HeadTypeBudget(spendsAll: true, scope: .layer),
    HeadTypeBudget(criterion: .farMass(0.5), globalWindow: .gridRows(0.5), spendsAll: true),
    GradedBudget(.entropy), GradedBudget(.entropy, scope: .layer, exponent: 3),
    GradedBudget(.reach), GradedBudget(.reach, scope: .layer), ConcentrationBudget(),
    ConcentrationBudget(scope: .model), ConcentrationBudget(safeguard: 1),
  ]

  /// Rows sum to the total and leave room for prefix, window and the newest row in every head.
  @Test(arguments: rules.indices) func spendsItAll(rule: Int) throws {
    var random = SplitMix(state: UInt64(rule))
    for round in 0..<200 {
      let profile = profile(&random)
      let total =
        round == 0
        ? shape.allHeads * shape.fullRows
        : Int.random(in: 24...shape.allHeads * shape.fullRows, using: &random)
      let budgets = try Self.rules[rule].budgets(profile, total: total, shape)
      #expect(budgets.values.reduce(0) { $0 + $1.rows } == total)
      for budget in budgets.values {
        #expect(budget.window >= 1 && budget.window <= budget.rows - shape.prefixRows)
        #expect(budget.rows <= shape.fullRows)
      }
    }
    #expect(throws: BudgetError.self) {
      try Self.rules[rule].budgets(profile(&random), total: 23, shape)
    }
  }

  /// The paper's local heads keep prefix and window, global ones their even share and no more.
  @Test func thePaperSpendsLess() throws {
    var random = SplitMix(state: 7)
    let profile = profile(&random)
    let budgets = try HeadTypeBudget().budgets(profile, total: 30 * shape.allHeads, shape)
    for layer in 0..<shape.layers {
      for head in 0..<shape.heads {
        let isLocal = profile.heads[layer, head].reach < 16
        #expect(budgets[layer, head].type == (isLocal ? .local : .global))
        #expect(budgets[layer, head].rows == (isLocal ? 17 : 30))
        #expect(budgets[layer, head].window == 16)
      }
    }
  }

  @Test func profilesAreAskedFor() throws {
    #expect(throws: BudgetError.profileMissing) {
      try GradedBudget(.entropy).budgets(nil, total: 300, shape)
    }
    let small = HeadProfile(
      grid: shape.grid, prefixRows: 1, queries: 0..<1, tau: 0.9, domain: .visual,
      heads: HeadMap(
        repeating: HeadStatistics(
          entropy: 0, reach: 1, prefixMass: 0, ageMass: [], rowMass: [],
          offsetMass: OffsetMass(values: [], rest: 0), concentration: []), layers: 1, heads: 2))
    #expect(throws: BudgetError.profileOfAnotherShape(layers: 1, heads: 2)) {
      try GradedBudget(.reach).budgets(small, total: 300, shape)
    }
  }
}
