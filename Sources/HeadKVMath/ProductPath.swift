/// Which code multiplies weights that lie in place by some rows: the one place that decides.
///
/// The kernels read each weight once for a few rows; OpenBLAS first repacks the matrix and then
/// runs at the processor's limit, which pays for many rows of f32. Packed weights, and halves,
/// have no path but the kernels.
package enum ProductPath: Sendable, Equatable {
  case kernels
  case blas

  /// Rows from which OpenBLAS is faster than the kernels, by what they have to work with; measured
  /// on 768 x 2304 weights.
  package static let crossoverAVX512 = 128
  package static let crossoverAVX2 = 16
  package static let crossoverPortable = 4

  package static func crossover(instructionSet: String) -> Int {
    switch instructionSet {
    case "portable": crossoverPortable
    case "avx2": crossoverAVX2
    default: crossoverAVX512
    }
  }

  /// - Parameter exactRows: whether a row's bits may not depend on how many rows there are, which
  ///   only the kernels keep.
  package static func choose(
    rows: Int, element: WeightElement, exactRows: Bool, instructionSet: String
  ) -> ProductPath {
    guard element == .f32, !exactRows else { return .kernels }
    return rows >= crossover(instructionSet: instructionSet) ? .blas : .kernels
  }
}
