import HeadKVSelfCheck
import Testing

@Suite struct MemoryTests {
  @Test(arguments: [0, 1, 15, 16, 63, 64, 127, 128, 129, 255, 256, 1000, 4099])
  func sumsAgreeWithALoop(count: Int) {
    #expect(MemoryCheck.sums(count: count))
  }
}
