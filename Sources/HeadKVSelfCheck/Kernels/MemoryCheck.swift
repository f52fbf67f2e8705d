import HeadKVMath

/// The reading of memory against a loop.
package enum MemoryCheck {
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
