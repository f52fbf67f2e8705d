import Foundation
import Testing

import HeadKVMath

@Suite struct ElementwiseTests {
  static let sizes = [1, 2, 7, 15, 16, 17, 31, 33, 100, 257]

  @Test func exponentialIsWithinTwoUnitsInTheLastPlace() {
    var x = stride(from: Float(-87), through: 88, by: 0.0173).map { $0 }
    let expected = x.map { Foundation.exp(Double($0)) }
    Kernels.exp(&x, count: x.count)
    #expect(worstError(x, expected) { 2 * 0x1p-23 * expected[$0] } <= 1)
  }

  @Test func exponentialEndsAtZeroAndStaysFinite() {
    var x: [Float] = [-.infinity, -1e30, -104, -88, 0, 200]
    Kernels.exp(&x, count: x.count)
    #expect(x[0] == 0 && x[1] == 0 && x[2] == 0 && x[3] == 0 && x[4] == 1)
    #expect(x[5] > 1e38)
  }

  @Test func softmaxEqualsTheReference() {
    for size in Self.sizes {
      var numbers = Numbers(size)
      var x = numbers.list(size, scale: 20)
      let expected = ReferenceKernels.softmax(x.map(Double.init))
      Kernels.softmax(&x, count: size)
      let bound = Double(size + 48) * 0x1p-24
      #expect(worstError(x, expected) { bound * expected[$0] + 1e-37 } <= 1, "\(size)")
    }
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
    for size in Self.sizes {
      var numbers = Numbers(size)
      let x = numbers.list(size, scale: 3)
      let weight = numbers.list(size)
      var out = [Float](repeating: .nan, count: size)
      Kernels.rmsNorm(x, weight: weight, count: size, epsilon: 1e-5, into: &out)
      let expected = ReferenceKernels.rmsNorm(x, weight: weight, epsilon: 1e-5)
      let bound = Double(size + 8) * 0x1p-24
      #expect(worstError(out, expected) { bound * abs(expected[$0]) + 1e-30 } <= 1, "\(size)")
    }
  }

  @Test func siluAndGeluEqualTheReference() {
    for size in Self.sizes {
      var numbers = Numbers(size)
      let x = numbers.list(size, scale: 12)
      let up = numbers.list(size)
      var gated = x
      Kernels.siluMultiply(&gated, up: up, count: size)
      let product = zip(x, up).map { ReferenceKernels.silu($0) * Double($1) }
      #expect(worstError(gated, product) { 8 * 0x1p-24 * abs(product[$0]) + 1e-30 } <= 1)
      var gelu = x
      Kernels.geluTanh(&gelu, count: size)
      // 1 + tanh cancels far below zero: the error is one of the argument, not of the result.
      let smooth = x.map(ReferenceKernels.geluTanh)
      #expect(worstError(gelu, smooth) { 16 * 0x1p-24 * max(abs(Double(x[$0])), 1) } <= 1)
    }
  }

  @Test func pairsTurn() {
    for pairs in [1, 3, 8, 16, 25, 50] {
      var numbers = Numbers(pairs)
      var x = numbers.list(2 * pairs)
      let turn = (0..<pairs).flatMap { [Float(cos(Double($0) * 0.7)), Float(sin(Double($0) * 0.7))] }
      let expected = ReferenceKernels.rotatePairs(x, cosSin: turn)
      Kernels.rotatePairs(&x, cosSin: turn, pairs: pairs)
      #expect(worstError(x, expected) { _ in 4 * 0x1p-24 } <= 1)
    }
  }

  @Test func instructionSetIsTheOneAskedFor() {
    if let wanted = ProcessInfo.processInfo.environment["HEADKV_ISA"], wanted == "portable" {
      #expect(Kernels.instructionSet == wanted)
    }
    #expect(["portable", "avx2", "avx512", "avx512vnni", "avx512bf16"].contains(Kernels.instructionSet))
    #expect(!Kernels.select(instructionSet: "abacus"))
  }
}
