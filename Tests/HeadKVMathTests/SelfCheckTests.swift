import HeadKVMath
import HeadKVSelfCheck
import Testing

@Suite struct SelfCheckTests {
  @Test(arguments: KernelCheck.all.indices) func kernelsAgreeWithTheirTwins(index: Int) {
    let check = KernelCheck.all[index]
    #expect(check.worst <= 1, "\(check.name)")
  }

  @Test func everyKernelIsNamedOnce() {
    #expect(Set(KernelCheck.all.map(\.name)).count == KernelCheck.all.count)
  }

  @Test func openBLASAgreesWithPlainLoops() {
    #expect(ProductCheck.openBLAS(m: 67, n: 129, k: 65) <= 1)
  }

  /// What is wrong, missing or no number is never within its bound.
  @Test func errorsAreSeen() {
    #expect(worstError([1, 2.5], [1, 2]) { _ in 0.25 } == 2)
    #expect(worstError([1, .nan], [1, 2]) { _ in 1 } == .infinity)
    #expect(worstError([1], [1, 2]) { _ in 1 } == .infinity)
    #expect(ConvolutionCase.distance([1, .nan], [1, 2]) == .infinity)
  }
}
