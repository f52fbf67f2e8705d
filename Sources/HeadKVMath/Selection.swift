internal import CHeadKVKernels

/// Least and largest of some numbers, NaN passed over; of none, infinity and its negative.
package struct Extent: Sendable, Hashable {
  package let least: Float
  package let most: Float

  package init(least: Float, most: Float) { (self.least, self.most) = (least, most) }

  package init(_ values: Span<Float>) {
    var (least, most) = (Float.infinity, -Float.infinity)
    unsafe values.withUnsafeBufferPointer { values in
      guard let base = values.baseAddress else { return }
      unsafe hkv_extent(base, values.count, &least, &most)
    }
    self.init(least: least, most: most)
  }
}

/// Finds the largest of some numbers without sorting them.
///
/// Numbers are counted that reach some bounds between least and largest, then between the two bounds
/// that have the k-th largest between them; it is then looked for among the few that are left.
package struct Selection {
  /// So few numbers are searched rather than counted.
  private static let few = 64
  /// As often are bounds drawn: a bell of 16 384 has few left after three.
  private static let rounds = 6

  private var indices: [Int32]
  private var left: [Float]

  /// - Parameter count: numbers to select from at most.
  package init(count: Int) {
    indices = Array(repeating: 0, count: count)
    left = Array(repeating: 0, count: count)
  }

  /// The index of candidate `place`.
  package subscript(place: Int) -> Int32 { indices[place] }

  /// Lists the indices of the `k` largest values and of all that equal the last of them, in
  /// ascending order; 0 lists all that are numbers. Returns how many there are.
  ///
  /// - Complexity: O(n) expected. Allocates nothing.
  package mutating func candidates(_ values: Span<Float>, _ extent: Extent, atLeast k: Int) -> Int {
    let threshold = k > 0 && k < values.count ? kthLargest(values, extent, k) : -Float.infinity
    return list(values, from: threshold, below: .nan)
  }

  /// The k-th largest value, k in 1...count; infinity's negative if fewer are numbers.
  package mutating func kthLargest(_ values: Span<Float>, _ extent: Extent, _ k: Int) -> Float {
    let bracket = bracket(values, extent, k)
    let count = list(values, from: bracket.low, below: bracket.high)
    guard k - bracket.above <= count else { return -.infinity }
    for place in 0..<count { left[place] = values[Int(indices[place])] }
    return largest(k - bracket.above, of: count)
  }

  /// The k-th largest of the values is at least `low` and less than `high`, or `high` is NaN and
  /// bounds nothing; `above` of the values are at least `high`.
  private func bracket(
    _ values: Span<Float>, _ extent: Extent, _ k: Int
  ) -> (low: Float, high: Float, above: Int) {
    var (low, high) = (-Float.infinity, Float.nan)
    var (reached, above) = (values.count, 0)
    // Infinite numbers may be among the values, but are no bounds.
    var least = max(extent.least, -.greatestFiniteMagnitude)
    var most = min(extent.most, .greatestFiniteMagnitude)
    for _ in 0..<Self.rounds where reached - above > Self.few && least < most {
      let shares = SIMD8<Float>(1, 2, 3, 4, 5, 6, 7, 8) / 9
      let bounds = least * (1 - shares) + most * shares
      let counts = counts(values, reaching: bounds)
      for index in bounds.indices {
        let (bound, count) = (bounds[index], Int(counts[index]))
        if count >= k {
          if bound > low { (low, reached) = (bound, count) }
        } else if !(bound >= high) {
          (high, above) = (bound, count)
        }
      }
      (least, most) = (max(least, low), min(most, high))
    }
    return (low, high, above)
  }

  /// How many of the values are at least each of the bounds.
  private func counts(
    _ values: Span<Float>, reaching bounds: SIMD8<Float>
  ) -> SIMD8<UInt32> {
    var counts = SIMD8<UInt32>()
    unsafe values.withUnsafeBufferPointer { values in
      guard let base = values.baseAddress else { return }
      unsafe withUnsafeBytes(of: bounds) { bounds in
        unsafe withUnsafeMutableBytes(of: &counts) { counts in
          unsafe hkv_count_at_least(
            base, values.count, bounds.bindMemory(to: Float.self).baseAddress,
            counts.bindMemory(to: UInt32.self).baseAddress)
        }
      }
    }
    return counts
  }

  /// Lists the indices of the values from `least` on, other than those from `below` on.
  private mutating func list(_ values: Span<Float>, from least: Float, below: Float) -> Int {
    precondition(values.count <= indices.count, "more numbers than there is room for")
    return unsafe values.withUnsafeBufferPointer { values in
      guard let base = values.baseAddress else { return 0 }
      return unsafe hkv_list_between(base, values.count, least, below, &indices)
    }
  }

  /// The k-th largest of the first `count` numbers that are left, by quickselect.
  private mutating func largest(_ k: Int, of count: Int) -> Float {
    var (low, high) = (0, count - 1)
    let target = k - 1
    while low < high {
      let pivot = left[(low + high) / 2]
      var (i, j) = (low, high)
      while i <= j {
        while left[i] > pivot { i += 1 }
        while left[j] < pivot { j -= 1 }
        if i <= j {
          left.swapAt(i, j)
          i += 1
          j -= 1
        }
      }
      if target <= j { high = j } else if target >= i { low = i } else { break }
    }
    return left[target]
  }
}
