/// Single-head attention among the positions of a picture.
package enum SpatialAttention {
  /// softmax(q^T k / sqrt(channels)) applied to v, position by position.
  ///
  /// `q`, `k`, `v` and the result are [channels, h, w].
  package static func apply(
    q: FeatureMap, k: FeatureMap, v: FeatureMap, on runner: Conv2DRunner
  ) -> FeatureMap {
    let count = q.pixels
    precondition(
      k.pixels == count && v.pixels == count && q.channels == k.channels
        && q.channels == v.channels, "shapes of an attention do not fit")
    let output = FeatureMap(channels: q.channels, height: q.height, width: q.width)
    let scale = 1 / Float(q.channels).squareRoot()
    let tile = min(64, runner.tileWidth(rows: count, of: count))
    unsafe runner.forEachTile(of: count, size: tile, scratch: tile * count) { range, scratch in
      let scores = unsafe FloatMatrix(
        base: scratch, rows: range.count, columns: count, stride: count)
      unsafe BLAS.multiply(q.matrix(range), transposed: true, k.matrix(0..<count), into: scores)
      for row in 0..<range.count {
        let line = unsafe scores.row(row)
        for column in 0..<count { unsafe line[column] *= scale }
        unsafe Kernels.softmax(line, count: count)
      }
      unsafe BLAS.multiply(
        v.matrix(0..<count), transposed: false, scores, transposed: true,
        into: output.matrix(range))
    }
    return output
  }
}
