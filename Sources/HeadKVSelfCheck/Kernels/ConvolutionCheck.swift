import HeadKVMath

/// Convolutions against their definition: the worst error in units of the tolerance.
package enum ConvolutionCheck {
  package static func apply(_ given: ConvolutionCase, threads: Int) -> Double {
    let input = given.input
    let expected = given.reference(input)
    let residual = ConvolutionCase.noise(expected.count, seed: 4)
    let plain = ConvolutionCase.distance(given.apply(to: input, threads: threads), expected)
    let added = ConvolutionCase.distance(
      given.apply(to: input, addedTo: residual, threads: threads),
      zip(expected, residual).map { $0 + $1 })
    return Double(max(plain, added) / given.tolerance)
  }
}
