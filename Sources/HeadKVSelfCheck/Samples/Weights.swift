import HeadKVMath

/// Weights of one element type, with the values they widen to.
package final class Weights {
  package let linear: Linear
  package let values: [Float]

  package init(_ element: WeightElement, outFeatures: Int, inFeatures: Int, seed: Int) {
    var numbers = Numbers(seed)
    let source = numbers.list(outFeatures * inFeatures)
    let memory = UnsafeMutableRawPointer.allocate(
      byteCount: max(source.count, 1) * 4, alignment: 64)
    var values = source
    for (index, value) in source.enumerated() {
      switch element {
      case .f32: unsafe memory.storeBytes(of: value, toByteOffset: 4 * index, as: Float.self)
      case .bf16:
        let bits = UInt16(value.bitPattern >> 16)
        unsafe memory.storeBytes(of: bits, toByteOffset: 2 * index, as: UInt16.self)
        values[index] = Float(bitPattern: UInt32(bits) << 16)
      case .f16:
        let half = Float16(value)
        unsafe memory.storeBytes(of: half, toByteOffset: 2 * index, as: Float16.self)
        values[index] = Float(half)
      }
    }
    self.values = values
    linear = unsafe Linear(
      base: memory, element: element, outFeatures: outFeatures, inFeatures: inFeatures,
      owner: Memory(memory))
  }
}

/// Frees what it was given when nobody needs it any more.
@safe
package final class Memory {
  private let raw: UnsafeMutableRawPointer
  package init(_ raw: UnsafeMutableRawPointer) { unsafe self.raw = unsafe raw }
  deinit { unsafe raw.deallocate() }
}

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
  let scratch = LinearScratch(rows: rows, features: k)
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
