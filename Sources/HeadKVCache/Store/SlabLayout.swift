import HeadKVMath

/// How the slabs of layers are laid out in one allocation: a pure function of the capacities.
///
/// Layer by layer, all keys and values come first, head by head, each run starting on a cache line;
/// the metadata columns follow, so that scanning one column of a head reads nothing else.
struct SlabLayout {
  /// Layer by layer, head by head.
  private(set) var slabs: [HeadSlab] = []
  /// Whole cache lines.
  private(set) var byteCount = 0

  init(headDimension: Int, element: CacheElement, capacities: HeadMap<Int>) {
    slabs.reserveCapacity(capacities.values.count)
    for layer in 0..<capacities.layers {
      let first = slabs.count
      for capacity in capacities[layer: layer] {
        var slab = HeadSlab(
          element: element.row, dimension: headDimension, capacity: capacity)
        slab.keys = take(capacity * headDimension * element.byteCount)
        slab.values = take(capacity * headDimension * element.byteCount)
        slabs.append(slab)
      }
      for index in first..<slabs.count {
        let column = slabs[index].capacity * Self.columnBytes
        slabs[index].positions = take(column)
        slabs[index].births = take(column)
        slabs[index].scores = take(column)
        slabs[index].biases = take(column)
        guard element.row.isScaled else { continue }
        slabs[index].keyScales = take(column)
        slabs[index].valueScales = take(column)
      }
    }
  }

  private static let lineBytes = 64
  /// Of a number in a column.
  private static let columnBytes = 4

  private mutating func take(_ bytes: Int) -> Int {
    let start = byteCount
    byteCount += (bytes + Self.lineBytes - 1) / Self.lineBytes * Self.lineBytes
    return start
  }

  /// The most bytes that `heads` slabs take, however `rows` rows are split between them.
  ///
  /// Each of a slab's runs is rounded up to a cache line.
  static func mostBytes(
    headDimension: Int, element: CacheElement, rows: Int, heads: Int
  ) -> Int {
    // Lengths of runs are multiples of a row's power of two.
    let rowBytes = headDimension * element.byteCount
    let step = min(1 << rowBytes.trailingZeroBitCount, lineBytes)
    let columns = element.row.isScaled ? 6 : 4
    let padding = 2 * (lineBytes - step) + columns * (lineBytes - columnBytes)
    return rows * (2 * rowBytes + columns * columnBytes) + heads * padding
  }
}
