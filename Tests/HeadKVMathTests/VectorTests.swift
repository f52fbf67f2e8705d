import HeadKVSelfCheck
import Testing

@Suite struct VectorTests {
  @Test(arguments: [1, 5, 16, 17, 31, 64, 100]) func agreeWithTheTwins(count: Int) {
    #expect(VectorCheck.operations(count: count) <= 1)
  }

  @Test(arguments: [0, 1, 15, 16, 63, 64, 127, 128, 129, 255, 256, 1000, 4099])
  func sumsAgreeWithALoop(count: Int) {
    #expect(VectorCheck.sums(count: count))
  }
}
