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
    var scores: [Float] = [1, .infinity]
    let costs: [Float] = [.infinity, .infinity]
    #expect(unsafe MergeScores.lower(&scores, to: costs, first: 0, rows: 2) == nil)
    #expect(unsafe MergeScores.lowest(scores, births: [5, 0], before: 1, first: 0, rows: 2) == nil)
  }
}
