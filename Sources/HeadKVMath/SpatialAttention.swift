/// Single-head attention among the positions of a picture.
package enum SpatialAttention {
  /// softmax(q k^T / sqrt(channels)) v, position by position.
  ///
  /// `q`, `k`, `v` and the result are [h, w, channels].
  package static func apply(
    q: FeatureMap, k: FeatureMap, v: FeatureMap, on runner: Conv2DRunner
  ) -> FeatureMap {
    let count = q.pixels
    precondition(
      k.pixels == count && v.pixels == count && q.channels == k.channels
        && q.channels == v.channels, "shapes of an attention do not fit")
    let output = runner.map(channels: q.channels, height: q.height, width: q.width)
    let scale = 1 / Float(q.channels).squareRoot()
    unsafe runner.forEachTile(of: count, size: tile, scratch: tile * count) { range, scratch in
      let scores = unsafe FloatMatrix(
        base: scratch, rows: range.count, columns: count, stride: count)
      unsafe BLAS.multiply(
        q.matrix(range), transposed: false, k.matrix(0..<count), transposed: true, into: scores)
      for row in 0..<range.count {
        let line = unsafe scores.row(row)
        for column in 0..<count { unsafe line[column] *= scale }
        unsafe Kernels.softmax(line, count: count)
      }
      unsafe BLAS.multiply(scores, v.matrix(0..<count), into: output.matrix(range))
    }
    return output
  }

  /// Positions of a task: never of other numbers, so that results do not depend on the threads.
  private static let tile = 32
}
