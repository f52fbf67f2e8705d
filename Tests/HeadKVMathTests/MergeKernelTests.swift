import HeadKVMath
import HeadKVSelfCheck
import Testing

@Suite struct MergeKernelTests {
  @Test(arguments: [1, 2, 7, 33, 100], RowElement.allCases)
  func agreesWithTheTwin(rows: Int, element: RowElement) {
    for dim in [1, 5, 16, 31, 64, 100] {
      #expect(MergeCheck.costs(element, rows: rows, dim: dim) <= 1, "\(rows) rows of \(dim)")
    }
  }
}

@Suite struct MergeScoreTests {
  @Test(arguments: [1, 2, 15, 16, 17, 40, 129]) func agreeWithTheTwins(rows: Int) {
    #expect(MergeCheck.scores(rows: rows))
  }

  @Test func nothingIsTheLowestOfNothing() {
    let scores: [Float] = [1, .infinity]
    #expect(unsafe MergeScores.lowest(scores, births: [5, 0], before: 1, first: 0, rows: 2) == nil)
    #expect(lower([1, 2], [0, 1], [.infinity, .nan]).least == nil)
  }

  private func lower(
    _ scores: [Float], _ rows: [Int32], _ costs: [Float]
  ) -> (least: (row: Int, cost: Float)?, scores: [Float]) {
    var scores = scores
    let least = unsafe rows.withUnsafeBufferPointer {
      unsafe MergeScores.lower(&scores, of: $0, to: costs)
    }
    return (least, scores)
  }

  @Test func costsLowerTheScoresOfTheirRows() throws {
    // The last row is not listed; of equal costs the first row's counts.
    let found = lower([5, 1, 5, 5], [0, 1, 2], [3, 3, .nan])
    #expect(found.scores == [3, 1, 5, 5])
    let least = try #require(found.least)
    #expect(least == (row: 0, cost: 3))
  }

  /// A score of 0 is one that is not known.
  @Test func noCostIsZero() throws {
    let found = lower([1, 1], [1, 0], [0, 0x1p-139])
    #expect(found.scores == [.leastNormalMagnitude, .leastNormalMagnitude])
    #expect(try #require(found.least) == (row: 1, cost: .leastNormalMagnitude))
  }
}
