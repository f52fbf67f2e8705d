import Foundation
import HeadKVMath

/// Kernels over single rows of numbers against plain loops: the worst error in units of its bound.
package enum ElementwiseCheck {
  /// Two units in the last place, over all arguments that have a normal result.
  package static func exponential(step: Float = 0.0173) -> Double {
    var x = stride(from: Float(-87), through: 88, by: step).map { $0 }
    let expected = x.map { Foundation.exp(Double($0)) }
    unsafe Kernels.exp(&x, count: x.count)
    return worstError(x, expected) { 2 * 0x1p-23 * expected[$0] }
  }

  package static func softmax(size: Int) -> Double {
    var numbers = Numbers(size)
    var x = numbers.list(size, scale: 20)
    let expected = ReferenceKernels.softmax(x.map(Double.init))
    unsafe Kernels.softmax(&x, count: size)
    let bound = Double(size + 48) * 0x1p-24
    return worstError(x, expected) { bound * expected[$0] + 1e-37 }
  }

  package static func rmsNorm(size: Int) -> Double {
    var numbers = Numbers(size)
    let (x, weight) = (numbers.list(size, scale: 3), numbers.list(size))
    var out = [Float](repeating: .nan, count: size)
    unsafe Kernels.rmsNorm(x, weight: weight, count: size, epsilon: 1e-5, into: &out)
    let expected = ReferenceKernels.rmsNorm(x, weight: weight, epsilon: 1e-5)
    let bound = Double(size + 8) * 0x1p-24
    return worstError(out, expected) { bound * abs(expected[$0]) + 1e-30 }
  }

  package static func gates(size: Int) -> Double {
    var numbers = Numbers(size)
    let (x, up) = (numbers.list(size, scale: 12), numbers.list(size))
    var (gated, gelu) = (x, x)
    unsafe Kernels.siluMultiply(&gated, up: up, count: size)
    unsafe Kernels.geluTanh(&gelu, count: size)
    let product = zip(x, up).map { ReferenceKernels.silu($0) * Double($1) }
    // 1 + tanh cancels far below zero: the error is one of the argument, not of the result.
    let smooth = x.map(ReferenceKernels.geluTanh)
    return max(
      worstError(gated, product) { 8 * 0x1p-24 * abs(product[$0]) + 1e-30 },
      worstError(gelu, smooth) { 16 * 0x1p-24 * max(abs(Double(x[$0])), 1) })
  }

  package static func rotation(pairs: Int) -> Double {
    var numbers = Numbers(pairs)
    var x = numbers.list(2 * pairs)
    let turn = (0..<pairs).flatMap { [Float(cos(Double($0) * 0.7)), Float(sin(Double($0) * 0.7))] }
    let expected = ReferenceKernels.rotatePairs(x, cosSin: turn)
    unsafe Kernels.rotatePairs(&x, cosSin: turn, pairs: pairs)
    return worstError(x, expected) { _ in 4 * 0x1p-24 }
  }
}
