import HeadKVMath

/// y = x W^T (+ y) through the fast path, with gaps between the rows of x and y; what writes into a
/// gap makes all of y NaN.
package func multiply(
  _ linear: Linear, _ x: [Float], rows: Int, threads: Int = 1, columns: [Range<Int>]? = nil,
  onto start: [Float]? = nil, exactRows: Bool = true
) -> [Float] {
  let (n, k) = (linear.outFeatures, linear.inFeatures)
  let gap = 3
  let input = AlignedBuffer<Float>(count: rows * (k + gap), repeating: .nan)
  let output = AlignedBuffer<Float>(count: rows * (n + gap), repeating: .nan)
  for row in 0..<rows {
    for i in 0..<k { unsafe input.base[row * (k + gap) + i] = x[row * k + i] }
    if let start {
      for i in 0..<n { unsafe output.base[row * (n + gap) + i] = start[row * n + i] }
    }
  }
  let from = unsafe FloatMatrix(base: input.base, rows: rows, columns: k, stride: k + gap)
  let into = unsafe FloatMatrix(base: output.base, rows: rows, columns: n, stride: n + gap)
  let pool = WorkerPool(threads: threads)
  let scratch = LinearScratch(
    rows: rows, features: k, packing: linear.packing, threads: threads)
  if let columns {
    let prepared = unsafe scratch.prepare(from, for: linear, pool: pool)
    for range in columns {
      unsafe linear.columns(range, of: prepared, into: into, accumulate: start != nil)
    }
  } else {
    unsafe linear.apply(
      from, into: into, accumulate: start != nil, exactRows: exactRows, scratch: scratch,
      pool: pool)
  }
  for row in 0..<rows {
    for i in n..<n + gap where unsafe !output.base[row * (n + gap) + i].isNaN {
      return Array(repeating: .nan, count: rows * n)
    }
  }
  return (0..<rows).flatMap { row in
    (0..<n).map { unsafe output.base[row * (n + gap) + $0] }
  }
}
