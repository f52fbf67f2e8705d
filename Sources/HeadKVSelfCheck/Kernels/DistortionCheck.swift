import HeadKVMath

/// What fewer rows change, against the definition.
package enum DistortionCheck {
  /// The worst error in units of its bound.
  package static func errors(rows: Int, prefix: Int, size: Int, queries: Int) -> Double {
    var numbers = Numbers(rows * 31 + size)
    func vectors(_ count: Int, scale: Float) -> [[Float]] {
      (0..<count).map { _ in numbers.list(size, scale: scale) }
    }
    // Weights are sums less sums: where a query looks at little but old rows, digits are lost.
    let reference = ReferenceDistortion(
      keys: vectors(rows, scale: 1), values: vectors(rows, scale: 1),
      counts: numbers.list(rows).map { 1 + ($0 * 3).magnitude.rounded(.down) }, prefix: prefix,
      queries: vectors(queries, scale: 2), seen: (0..<queries).map { max(rows - 2 * $0, 0) })
    let asked = asked(reference, size)
    asked.weigh()
    let most = 5
    let room = AlignedBuffer<Float>(
      count: AskedQueries.room(size: size, clusters: most), repeating: .nan)
    var worst = 0.0
    for clusters in [0, 1, 3, most] {
      for horizon in [nil, 2.5 * Double(rows)] {
        let numbers = (0..<rows - prefix).map { $0 * 7 % max(clusters, 1) }
        let expected = reference.errors(
          clusters: clusters, of: numbers, fewest: 3, horizon: horizon)
        var found = [Double](repeating: 0, count: rows - prefix)
        unsafe asked.addErrors(
          clusters: clusters, of: numbers.map { Int32($0) }, fewest: 3,
          horizon: horizon.map { Float($0) }, room: room.base, to: &found)
        worst = max(
          worst, worstError(found.map { Float($0) }, expected) { 3e-5 * (expected[$0] + 0.1) })
      }
    }
    return worst
  }

  private static func asked(_ reference: ReferenceDistortion, _ size: Int) -> AskedQueries {
    var asked = AskedQueries(rows: reference.keys.count, prefix: reference.prefix, size: size)
    for row in reference.keys.indices {
      for index in 0..<size {
        unsafe asked.keys[row * size + index] = reference.keys[row][index]
        unsafe asked.values[row * size + index] = reference.values[row][index]
      }
      unsafe asked.counts[row] = reference.counts[row]
    }
    for (query, seen) in zip(reference.queries, reference.seen) {
      unsafe asked.add(query, seeing: seen)
    }
    return asked
  }
}
