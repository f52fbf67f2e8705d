import HeadKVMath

/// The live rows of all heads one after another: layer by layer, head by head, slot by slot.
package struct SnapshotRows: Sendable, Equatable {
  /// Live rows of each head.
  package var counts: HeadMap<Int>
  /// `[rows, headDimension]`, in the type and byte order that the cache holds them in.
  package var keys: [UInt8] = []
  package var values: [UInt8] = []
  /// One for each row, of element types with scales; empty otherwise.
  package var keyScales: [Float] = []
  package var valueScales: [Float] = []
  package var positions: [Int32] = []
  package var births: [Int32] = []
  package var scores: [Float] = []
  package var biases: [Float] = []

  package init(counts: HeadMap<Int>) { self.counts = counts }

  var byteCount: Int {
    keys.count + values.count
      + 4
      * (keyScales.count + valueScales.count + positions.count + births.count + scores.count
        + biases.count)
  }

  /// Copies what is live in a cache.
  ///
  /// - Complexity: O(live rows).
  init(_ cache: borrowing SequenceCache) {
    let shape = cache.shape
    counts = HeadMap(repeating: 0, layers: shape.layers, heads: shape.heads)
    for layer in 0..<shape.layers {
      for head in 0..<shape.heads {
        let rows = unsafe cache.rows(layer: layer, head: head)
        counts[layer, head] = unsafe rows.count
        unsafe append(rows)
      }
    }
  }

  private mutating func append(_ rows: HeadRows) {
    let count = unsafe rows.count
    func column<Number>(_ start: UnsafeMutablePointer<Number>) -> UnsafeBufferPointer<Number> {
      unsafe UnsafeBufferPointer(start: start, count: count)
    }
    unsafe keys.append(contentsOf: rows.keys.bytes(count: count))
    unsafe values.append(contentsOf: rows.values.bytes(count: count))
    if let scales = unsafe rows.keys.scales { unsafe keyScales.append(contentsOf: column(scales)) }
    if let scales = unsafe rows.values.scales {
      unsafe valueScales.append(contentsOf: column(scales))
    }
    unsafe positions.append(contentsOf: column(rows.positions))
    unsafe births.append(contentsOf: column(rows.births))
    unsafe scores.append(contentsOf: column(rows.scores))
    unsafe biases.append(contentsOf: column(rows.biases))
  }

  /// Puts the rows into an empty cache, each into the slot that it had.
  ///
  /// - Precondition: the sizes are those of the cache's shape, and its heads have room.
  func restore(into cache: borrowing SequenceCache) {
    let shape = cache.shape
    let rowBytes = shape.headDimension * shape.element.byteCount
    var row = 0
    for layer in 0..<shape.layers {
      for head in 0..<shape.heads {
        let rows = unsafe cache.rows(layer: layer, head: head)
        let range = row..<row + counts[layer, head]
        let bytes = range.lowerBound * rowBytes..<range.upperBound * rowBytes
        unsafe rows.setCount(range.count)
        unsafe rows.keys.restore(keys[bytes], scales: keyScales.isEmpty ? [] : keyScales[range])
        unsafe rows.values.restore(
          values[bytes], scales: valueScales.isEmpty ? [] : valueScales[range])
        for (slot, row) in range.enumerated() {
          unsafe rows.positions[slot] = positions[row]
          unsafe rows.births[slot] = births[row]
          unsafe rows.scores[slot] = scores[row]
          unsafe rows.biases[slot] = biases[row]
        }
        row = range.upperBound
      }
    }
  }
}
