/// Where one head's rows lie inside its layer's allocation, and how many are live.
///
/// Metadata only. Offsets and strides count 4-byte words from the start of the allocation; the live
/// rows are the slots `0..<count`, in no particular order.
struct HeadSlab: BitwiseCopyable {
  var capacity: Int
  var count: Int
  /// Words from one key, or one value, to the next.
  var stride: Int
  var keys: Int
  var values: Int
  var positions: Int
  var births: Int
  var scores: Int
  var biases: Int
}

/// How the slabs of a layer are laid out: a pure function of the capacities.
///
/// All keys and values come first, head by head, each run starting on a cache line; the metadata
/// columns follow, so that scanning one column of a head reads nothing else.
struct SlabLayout {
  private(set) var slabs: [HeadSlab] = []
  private(set) var words = 0

  init(headDimension: Int, capacities: [Int]) {
    slabs.reserveCapacity(capacities.count)
    for capacity in capacities {
      let keys = take(capacity * headDimension)
      let values = take(capacity * headDimension)
      slabs.append(
        HeadSlab(
          capacity: capacity, count: 0, stride: headDimension, keys: keys, values: values,
          positions: 0, births: 0, scores: 0, biases: 0))
    }
    for head in slabs.indices {
      let capacity = slabs[head].capacity
      slabs[head].positions = take(capacity)
      slabs[head].births = take(capacity)
      slabs[head].scores = take(capacity)
      slabs[head].biases = take(capacity)
    }
  }

  private static let wordsPerLine = 16

  private mutating func take(_ count: Int) -> Int {
    let start = words
    words += (count + Self.wordsPerLine - 1) / Self.wordsPerLine * Self.wordsPerLine
    return start
  }
}
