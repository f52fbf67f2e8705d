import HeadKVCache
import HeadKVMath

extension GPT {
  /// Mean squared gain from each head's output to the residual stream: the squares of the head's
  /// columns of the output projection, summed, over the head's size.
  ///
  /// Estimated with vectors of signs (Hutchinson, 1989), as weights may be packed in any form.
  /// - Complexity: reads the output projections once in the model's life.
  func outputGains(pool: WorkerPool) -> HeadMap<Float> {
    gains.withLock { known in
      if let known { return known }
      let fresh = measuredGains(pool)
      known = fresh
      return fresh
    }
  }

  private func measuredGains(_ pool: WorkerPool) -> HeadMap<Float> {
    let probes = 4
    let (width, heads, size) = (
      configuration.dimension, configuration.heads, configuration.headDimension
    )
    let signs = AlignedBuffer<Float>(count: probes * heads * width, repeating: 0)
    let outputs = AlignedBuffer<Float>(count: probes * heads * width, repeating: 0)
    for row in 0..<probes * heads {
      for column in row % heads * size..<(row % heads + 1) * size {
        unsafe signs.base[row * width + column] = Self.sign(row / heads * width + column)
      }
    }
    let scratch = LinearScratch(
      rows: probes * heads, features: width, packing: precision.packing, threads: pool.threads)
    let x = unsafe signs.matrix(rows: probes * heads, columns: width)
    let y = unsafe outputs.matrix(rows: probes * heads, columns: width)
    return HeadMap(
      layers: layers.count, heads: heads,
      values: layers.flatMap { layer in
        unsafe layer.attentionOutput.apply(x, into: y, exactRows: false, scratch: scratch, pool: pool)
        return (0..<heads).map { head in
          var sum: Float = 0
          for row in stride(from: head, to: probes * heads, by: heads) {
            for column in 0..<width { sum += unsafe y.row(row)[column] * y.row(row)[column] }
          }
          return sum / Float(probes * size)
        }
      })
  }

  /// A sign that looks random.
  private static func sign(_ index: Int) -> Float {
    var z = UInt64(index) &+ 0x9E37_79B9_7F4A_7C15
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return (z >> 63) == 0 ? 1 : -1
  }
}
