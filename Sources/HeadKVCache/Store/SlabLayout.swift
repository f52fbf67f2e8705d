/// How the slabs of layers are laid out in one allocation: a pure function of the capacities.
///
/// Layer by layer, all keys and values come first, head by head, each run starting on a cache line;
/// the metadata columns follow, so that scanning one column of a head reads nothing else.
struct SlabLayout {
  /// Layer by layer, head by head.
  private(set) var slabs: [HeadSlab] = []
  private(set) var words = 0

  init(headDimension: Int, capacities: HeadMap<Int>) {
    slabs.reserveCapacity(capacities.values.count)
    for layer in 0..<capacities.layers {
      let first = slabs.count
      for capacity in capacities[layer: layer] {
        let keys = take(capacity * headDimension)
        let values = take(capacity * headDimension)
        slabs.append(
          HeadSlab(
            capacity: capacity, count: 0, stride: headDimension, keys: keys, values: values,
            positions: 0, births: 0, scores: 0, biases: 0))
      }
      for index in first..<slabs.count {
        let capacity = slabs[index].capacity
        slabs[index].positions = take(capacity)
        slabs[index].births = take(capacity)
        slabs[index].scores = take(capacity)
        slabs[index].biases = take(capacity)
      }
    }
  }

  private static let wordsPerLine = 16

  private mutating func take(_ count: Int) -> Int {
    let start = words
    words += (count + Self.wordsPerLine - 1) / Self.wordsPerLine * Self.wordsPerLine
    return start
  }

  /// The most words that `heads` slabs take, however `rows` rows are split between them.
  ///
  /// Each of a slab's six runs is rounded up to a cache line.
  static func mostWords(headDimension: Int, rows: Int, heads: Int) -> Int {
    // Lengths of runs are multiples of the dimension's power of two.
    let step = min(1 << headDimension.trailingZeroBitCount, wordsPerLine)
    let padding = 2 * (wordsPerLine - step) + 4 * (wordsPerLine - 1)
    return rows * (2 * headDimension + 4) + heads * padding
  }

  static func byteCount(headDimension: Int, capacities: HeadMap<Int>) -> Int {
    SlabLayout(headDimension: headDimension, capacities: capacities).words
      * MemoryLayout<Float>.stride
  }
}
