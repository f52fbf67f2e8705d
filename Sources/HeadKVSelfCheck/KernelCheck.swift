import HeadKVMath

/// A kernel against its naive twin, on a few odd sizes.
package struct KernelCheck: Sendable {
  package let name: String
  private let error: @Sendable () -> Double

  /// The worst error in units of its bound, with the kernels in use: at most 1 if all is well.
  package var worst: Double { error() }

  private init(_ name: String, _ error: @escaping @Sendable () -> Double) {
    self.name = name
    self.error = error
  }

  private init(_ name: String, holds: @escaping @Sendable () -> Bool) {
    self.init(name) { holds() ? 0 : .infinity }
  }

  /// All kernels; some tenths of a second.
  package static let all: [KernelCheck] =
    products + rows + elementwise + convolutions + [
      KernelCheck("what fewer rows change") {
        worst(in: [(24, 64), (40, 17)]) {
          DistortionCheck.errors(rows: $0.0, prefix: 1, size: $0.1, queries: 16)
        }
      },
      KernelCheck("largest of many", holds: { [1, 17, 257, 3001].allSatisfy(SelectionCheck.selects) }),
      KernelCheck("sum of memory", holds: { [1, 63, 257].allSatisfy(MemoryCheck.sums) }),
    ]

  private static func worst<S: Sequence>(in sizes: S, _ error: (S.Element) -> Double) -> Double {
    sizes.reduce(0) { max($0, error($1)) }
  }

  private static var products: [KernelCheck] {
    let sizes = [(1, 129, 100), (3, 17, 65), (5, 65, 63), (17, 70, 33)]
    return [WeightElement.f32, .bf16, .f16].map { element in
      KernelCheck("products with \(element) in place") {
        worst(in: sizes) { ProductCheck.linear(element, rows: $0.0, n: $0.1, k: $0.2) }
      }
    }
      + Packing.allCases.map { packing in
        KernelCheck("products with packed \(packing)") {
          worst(in: sizes) { ProductCheck.packed(packing, .f32, rows: $0.0, n: $0.1, k: $0.2) }
        }
      }
  }

  private static var rows: [KernelCheck] {
    RowElement.allCases.flatMap { type in
      [
        KernelCheck("attention over \(type)") {
          worst(in: [(1, 32), (9, 64), (43, 33), (100, 15)]) {
            AttentionCheck.attend(type, rows: $0.0, dim: $0.1, biased: $0.0 % 2 == 1)
          }
        },
        KernelCheck(
          "rounding and merging of \(type)",
          holds: {
            [1, 17, 33, 100].allSatisfy {
              RowCheck.rounds(type, count: $0, size: 3)
                && RowCheck.rounds(type, count: $0, size: 1e-6)
                && RowCheck.merges(type, count: $0, share: 0.25)
            }
          }),
        KernelCheck("inner products of \(type)") {
          worst(in: [1, 17, 100]) { RowCheck.dot(type, count: $0) }
        },
        KernelCheck("costs of merging \(type)") {
          worst(in: [(7, 31), (33, 64)]) { MergeCheck.costs(type, rows: $0.0, dim: $0.1) }
        },
      ]
    } + [KernelCheck("bounds of merging", holds: { [1, 17, 129].allSatisfy(MergeCheck.scores) })]
  }

  private static var elementwise: [KernelCheck] {
    let sizes = [1, 17, 100, 257]
    return [
      KernelCheck("exponential") { ElementwiseCheck.exponential(step: 0.173) },
      KernelCheck("softmax") { worst(in: sizes) { ElementwiseCheck.softmax(size: $0) } },
      KernelCheck("RMS norm") { worst(in: sizes) { ElementwiseCheck.rmsNorm(size: $0) } },
      KernelCheck("SiLU and GELU") { worst(in: sizes) { ElementwiseCheck.gates(size: $0) } },
      KernelCheck("rotation") { worst(in: [1, 25]) { ElementwiseCheck.rotation(pairs: $0) } },
    ]
  }

  private static var convolutions: [KernelCheck] {
    func given(
      _ inputs: Int, _ outputs: Int, _ height: Int, _ width: Int, kernel: Int = 3,
      _ sampling: Conv2D.Sampling = .same
    ) -> ConvolutionCase {
      ConvolutionCase(
        inputs: inputs, outputs: outputs, height: height, width: width, kernel: kernel,
        sampling: sampling)
    }
    let cases = [
      ("1x1", given(40, 70, 6, 5, kernel: 1)), ("direct", given(8, 4, 13, 9)),
      ("halving", given(5, 4, 18, 14, .halving)), ("Winograd", given(32, 16, 17, 18)),
      ("doubling Winograd", given(16, 32, 7, 9, .doubling)),
    ]
    return cases.map { name, given in
      KernelCheck("\(name) convolution") { ConvolutionCheck.apply(given, threads: 1) }
    } + [
      KernelCheck("group norm") {
        worst(in: [5, 70]) { ConvolutionCheck.groupNorm(width: $0, silu: $0 == 70) }
      }
    ]
  }
}

/// All kernels of one instruction set.
package struct KernelReport: Sendable {
  package let instructionSet: String
  /// Names of the kernels that were checked, with their worst errors in units of the bounds.
  package let errors: [(name: String, worst: Double)]

  package var failures: [String] { errors.filter { !($0.worst <= 1) }.map(\.name) }
  package var worst: Double { errors.map(\.worst).max() ?? 0 }

  /// Checks the kernels of an instruction set, and puts that which was in use back.
  ///
  /// - Precondition: it is one of ``Kernels/instructionSets``; nothing else computes meanwhile.
  package init(_ instructionSet: String) {
    let before = Kernels.instructionSet
    precondition(Kernels.select(instructionSet: instructionSet), "no such instruction set")
    self.instructionSet = instructionSet
    errors = KernelCheck.all.map { ($0.name, $0.worst) }
    _ = Kernels.select(instructionSet: before)
  }
}
