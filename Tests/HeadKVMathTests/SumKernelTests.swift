import HeadKVMath
import Testing

@Suite struct SumKernelTests {
  @Test(arguments: [0, 1, 15, 16, 63, 64, 127, 128, 129, 255, 256, 1000, 4099])
  func agreesWithALoop(count: Int) {
    let numbers = (0..<count + 1).map { UInt32(truncatingIfNeeded: $0 &* 2_654_435_761) }
    // From an odd place on, as memory need not be aligned.
    let sum = unsafe numbers.withUnsafeBufferPointer {
      unsafe Kernels.sum($0.baseAddress! + 1, count: count)
    }
    #expect(sum == numbers.dropFirst().reduce(0, &+))
  }
}
