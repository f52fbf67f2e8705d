import HeadKVMath
import HeadKVSelfCheck
import Testing

@Suite struct SelectionTests {
  @Test(arguments: [1, 2, 7, 15, 16, 17, 100, 1000, 2047, 2048, 2049, 4097, 16384])
  func findsWhatSortingFinds(count: Int) {
    #expect(SelectionCheck.selects(count: count))
  }

  @Test func nothingHasNoExtent() {
    let none: [Float] = []
    #expect(Extent(none.span) == Extent(least: .infinity, most: -.infinity))
    var selection = Selection(count: 0)
    #expect(selection.candidates(none.span, Extent(none.span), atLeast: 3) == 0)
  }
}
