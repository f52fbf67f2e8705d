import HeadKVMath

/// Short loops over rows against their twins: the worst error in units of its bound.
package enum VectorCheck {
  private static func error(_ found: [Float], _ expected: [Double]) -> Double {
    worstError(found, expected) { 1e-5 * (1 + abs(expected[$0])) }
  }

  package static func operations(count: Int) -> Double {
    var numbers = Numbers(count)
    let (x, y, z) = (numbers.list(count), numbers.list(count), numbers.list(count))
    let distance = unsafe VectorOperations.squaredDistance(x, y, count)
    var sum = y
    unsafe VectorOperations.add(1.5, x, to: &sum, count)
    var (merged, group) = (x, y)
    unsafe VectorOperations.regroup(&merged, &group, adding: z, a: 0.3, b: -0.7, c: 2, count)
    let regrouped = ReferenceVectors.regroup(x, y, adding: z, a: 0.3, b: -0.7, c: 2)
    let output = unsafe VectorOperations.outputError(
      total: x, merged: y, old: z, a: 0.9, b: 1.2, c: 0.4, d: 2.5, count)
    return [
      error([distance], [ReferenceVectors.squaredDistance(x, y)]),
      error(sum, ReferenceVectors.add(1.5, x, to: y)),
      error(merged, regrouped.merged), error(group, regrouped.sum),
      error(
        [output],
        [
          ReferenceVectors.outputError(
            total: x, merged: y, old: z, a: 0.9, b: 1.2, c: 0.4, d: 2.5)
        ]),
    ].max()!
  }

  /// Whether the sum that reads memory as fast as it can is right, from an odd place on, as memory
  /// need not be aligned.
  package static func sums(count: Int) -> Bool {
    let numbers = (0..<count + 1).map { UInt32(truncatingIfNeeded: $0 &* 2_654_435_761) }
    let sum = unsafe numbers.withUnsafeBufferPointer {
      unsafe Kernels.sum($0.baseAddress! + 1, count: count)
    }
    return sum == numbers.dropFirst().reduce(0, &+)
  }
}
