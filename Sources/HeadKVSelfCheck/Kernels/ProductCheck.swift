import HeadKVMath

/// Products against plain loops: the worst error in units of its bound.
package enum ProductCheck {
  /// Weights in place, [n, k], times `rows` rows.
  package static func linear(_ element: WeightElement, rows: Int, n: Int, k: Int) -> Double {
    let weights = Weights(element, outFeatures: n, inFeatures: k, seed: n * k)
    var numbers = Numbers(rows)
    let x = numbers.list(rows * k)
    let found = multiply(weights.linear, x, rows: rows)
    let expected = ReferenceKernels.linear(x, weights.values, m: rows, n: n, k: k)
    // The bound of any order of summation: k roundings of at most the sum of magnitudes.
    let sizes = ReferenceKernels.linear(
      x.map(abs), weights.values.map(abs), m: rows, n: n, k: k)
    return worstError(found, expected) { Double(k + 1) * 0x1p-24 * sizes[$0] }
  }

  /// Packed weights; the twin multiplies what weights and inputs are rounded to.
  package static func packed(
    _ packing: Packing, _ element: WeightElement, rows: Int, n: Int, k: Int
  ) -> Double {
    let weights = Weights(element, outFeatures: n, inFeatures: k, seed: n + k)
    var numbers = Numbers(rows)
    let x = numbers.list(rows * k)
    let packed = weights.linear.packed(
      packing, arena: WeightArena(), pool: WorkerPool(threads: 1))
    let found = multiply(packed, x, rows: rows)
    func rounded(_ values: [Float], isInput: Bool) -> [Float] {
      stride(from: 0, to: values.count, by: k).flatMap {
        ReferencePacking.rounded(Array(values[$0..<$0 + k]), packing, isInput: isInput)
      }
    }
    let (inputs, matrix) = (
      rounded(x, isInput: true), rounded(weights.values, isInput: false)
    )
    let expected = ReferenceKernels.linear(inputs, matrix, m: rows, n: n, k: k)
    let sizes = ReferenceKernels.linear(
      inputs.map(abs), matrix.map(abs), m: rows, n: n, k: k)
    // Each addition rounds once, in the dot products of pairs twice; scales add a few roundings.
    return worstError(found, expected) { Double(k + 6) * 0x1p-23 * sizes[$0] + 1e-30 }
  }

  /// OpenBLAS: [m, k] times [k, n].
  package static func openBLAS(m: Int, n: Int, k: Int) -> Double {
    var numbers = Numbers(m)
    let (x, w) = (numbers.list(m * k), numbers.list(n * k))
    let left = AlignedBuffer<Float>(count: m * k, repeating: 0)
    let right = AlignedBuffer<Float>(count: n * k, repeating: 0)
    let out = AlignedBuffer<Float>(count: m * n, repeating: .nan)
    for (index, value) in x.enumerated() { unsafe left.base[index] = value }
    for (index, value) in w.enumerated() { unsafe right.base[index] = value }
    unsafe BLAS.multiply(
      left.matrix(rows: m, columns: k), transposed: false,
      right.matrix(rows: n, columns: k), transposed: true,
      into: out.matrix(rows: m, columns: n))
    let sizes = ReferenceKernels.linear(x.map(abs), w.map(abs), m: m, n: n, k: k)
    return worstError(
      (0..<m * n).map { unsafe out.base[$0] },
      ReferenceKernels.linear(x, w, m: m, n: n, k: k)
    ) { Double(k + 1) * 0x1p-24 * sizes[$0] }
  }
}
