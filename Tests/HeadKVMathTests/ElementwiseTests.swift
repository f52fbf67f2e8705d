import Foundation
import Testing

import HeadKVMath
import HeadKVSelfCheck

@Suite struct ElementwiseTests {
  static let sizes = [1, 2, 7, 15, 16, 17, 31, 33, 100, 257]

  @Test func exponentialIsWithinTwoUnitsInTheLastPlace() {
    #expect(ElementwiseCheck.exponential() <= 1)
  }

  @Test func exponentialEndsAtZeroAndStaysFinite() {
    var x: [Float] = [-.infinity, -1e30, -104, -88, 0, 200]
    Kernels.exp(&x, count: x.count)
    #expect(x[0] == 0 && x[1] == 0 && x[2] == 0 && x[3] == 0 && x[4] == 1)
    #expect(x[5] > 1e38)
  }

  @Test func softmaxEqualsTheReference() {
    for size in Self.sizes { #expect(ElementwiseCheck.softmax(size: size) <= 1, "\(size)") }
  }

  @Test func softmaxGivesNothingToWhatIsMinusInfinity() {
    var some: [Float] = [-.infinity, 1, -.infinity, 1]
    Kernels.softmax(&some, count: 4)
    #expect(some == [0, 0.5, 0, 0.5])
    var none = [Float](repeating: -.infinity, count: 19)
    Kernels.softmax(&none, count: 19)
    #expect(none.allSatisfy { $0 == 0 })
  }

  @Test func rmsNormEqualsTheReference() {
    for size in Self.sizes { #expect(ElementwiseCheck.rmsNorm(size: size) <= 1, "\(size)") }
  }

  @Test func siluAndGeluEqualTheReference() {
    for size in Self.sizes { #expect(ElementwiseCheck.gates(size: size) <= 1, "\(size)") }
  }

  @Test func pairsTurn() {
    for pairs in [1, 3, 8, 16, 25, 50] {
      #expect(ElementwiseCheck.rotation(pairs: pairs) <= 1, "\(pairs)")
    }
  }

  @Test func instructionSetIsTheOneAskedFor() {
    if let wanted = ProcessInfo.processInfo.environment["HEADKV_ISA"], wanted == "portable" {
      #expect(Kernels.instructionSet == wanted)
    }
    #expect(Kernels.instructionSets.contains(Kernels.instructionSet))
    #expect(Kernels.instructionSets.first == "portable")
    #expect(!Kernels.select(instructionSet: "abacus"))
  }
}
