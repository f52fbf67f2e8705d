/// Least and largest of some numbers, NaN passed over.
package struct Extent {
  package private(set) var least = Float.infinity
  package private(set) var most = -Float.infinity

  package init(_ values: Span<Float>) {
    // Several running extents let the processor work on all of them at once.
    var low = SIMD16<Float>(repeating: .infinity)
    var high = SIMD16<Float>(repeating: -.infinity)
    var index = 0
    unsafe values.withUnsafeBufferPointer { values in
      guard let base = unsafe UnsafeRawPointer(values.baseAddress) else { return }
      while index + 16 <= values.count {
        let lanes = unsafe base.loadUnaligned(fromByteOffset: 4 * index, as: SIMD16<Float>.self)
        low.replace(with: lanes, where: lanes .< low)
        high.replace(with: lanes, where: lanes .> high)
        index += 16
      }
    }
    while index < values.count {
      if values[index] < least { least = values[index] }
      if values[index] > most { most = values[index] }
      index += 1
    }
    least = min(least, low.min())
    most = max(most, high.max())
  }
}

/// Finds the largest of some numbers without sorting them.
///
/// The numbers are counted in bins between least and largest; the k-th largest lies in the bin
/// where the counts reach k, and is looked for among the few numbers of that bin alone.
package struct Selection {
  private static let bins = 1024

  private var counts = [Int32](repeating: 0, count: Selection.bins)
  private var indices: [Int32]
  private var bin: [Float]

  /// - Parameter count: numbers to select from at most.
  package init(count: Int) {
    indices = Array(repeating: 0, count: count)
    bin = Array(repeating: 0, count: count)
  }

  /// The index of candidate `place`.
  package subscript(place: Int) -> Int32 { indices[place] }

  /// Lists the indices of the `k` largest values and of all that equal the last of them, in
  /// ascending order; 0 lists all. Returns how many there are.
  ///
  /// - Complexity: O(n) expected. Allocates nothing.
  package mutating func candidates(_ values: Span<Float>, _ extent: Extent, atLeast k: Int) -> Int {
    let threshold =
      k > 0 && k < values.count ? kthLargest(values, extent, k) : -Float.infinity
    var count = 0
    for index in values.indices {
      // Written and kept or overwritten: no branch that nobody can predict.
      indices[count] = Int32(truncatingIfNeeded: index)
      count += values[index] >= threshold ? 1 : 0
    }
    return count
  }

  /// The k-th largest value, k in 1...count.
  package mutating func kthLargest(_ values: Span<Float>, _ extent: Extent, _ k: Int) -> Float {
    let last = Float(Self.bins - 1)
    let scale = last / (extent.most - extent.least)
    // Falls as the value rises, whatever is rounded; NaN lands in the last bin.
    func place(_ value: Float) -> Int {
      Int(Float.minimum((extent.most - value) * scale, last))
    }
    for index in 0..<Self.bins { counts[index] = 0 }
    for index in values.indices { counts[place(values[index])] += 1 }
    var (chosen, above) = (0, 0)
    while chosen < Self.bins - 1, above + Int(counts[chosen]) < k {
      above += Int(counts[chosen])
      chosen += 1
    }
    var count = 0
    for index in values.indices {
      bin[count] = values[index]
      count += place(values[index]) == chosen ? 1 : 0
    }
    return largest(k - above, of: count)
  }

  /// The k-th largest of the first `count` numbers of the bin, by quickselect.
  private mutating func largest(_ k: Int, of count: Int) -> Float {
    var (low, high) = (0, count - 1)
    let target = min(k, count) - 1
    while low < high {
      let pivot = bin[(low + high) / 2]
      var (i, j) = (low, high)
      while i <= j {
        while bin[i] > pivot { i += 1 }
        while bin[j] < pivot { j -= 1 }
        if i <= j {
          bin.swapAt(i, j)
          i += 1
          j -= 1
        }
      }
      if target <= j { high = j } else if target >= i { low = i } else { break }
    }
    return bin[max(target, 0)]
  }
}
