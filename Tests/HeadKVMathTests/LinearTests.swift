import Testing

import HeadKVMath

/// Weights of one element type, with the values they widen to.
final class Weights {
  let linear: Linear
  let values: [Float]

  init(_ element: WeightElement, outFeatures: Int, inFeatures: Int, seed: Int) {
    var numbers = Numbers(seed)
    let source = numbers.list(outFeatures * inFeatures)
    let memory = UnsafeMutableRawPointer.allocate(
      byteCount: max(source.count, 1) * 4, alignment: 64)
    var values = source
    for (index, value) in source.enumerated() {
      switch element {
      case .f32: memory.storeBytes(of: value, toByteOffset: 4 * index, as: Float.self)
      case .bf16:
        let bits = UInt16(value.bitPattern >> 16)
        memory.storeBytes(of: bits, toByteOffset: 2 * index, as: UInt16.self)
        values[index] = Float(bitPattern: UInt32(bits) << 16)
      case .f16:
        let half = Float16(value)
        memory.storeBytes(of: half, toByteOffset: 2 * index, as: Float16.self)
        values[index] = Float(half)
      }
    }
    self.values = values
    linear = Linear(
      base: memory, element: element, outFeatures: outFeatures, inFeatures: inFeatures,
      owner: Memory(memory))
  }
}

final class Memory {
  private let raw: UnsafeMutableRawPointer
  init(_ raw: UnsafeMutableRawPointer) { self.raw = raw }
  deinit { raw.deallocate() }
}

/// y = x W^T (+ y) through the fast path, with gaps between the rows of x and y.
func multiply(
  _ linear: Linear, _ x: [Float], rows: Int, threads: Int = 1, columns: [Range<Int>]? = nil,
  onto start: [Float]? = nil, exactRows: Bool = true
) -> [Float] {
  let (n, k) = (linear.outFeatures, linear.inFeatures)
  let gap = 3
  let input = AlignedBuffer<Float>(count: rows * (k + gap), repeating: .nan)
  let output = AlignedBuffer<Float>(count: rows * (n + gap), repeating: .nan)
  for row in 0..<rows {
    for i in 0..<k { input.base[row * (k + gap) + i] = x[row * k + i] }
    if let start { for i in 0..<n { output.base[row * (n + gap) + i] = start[row * n + i] } }
  }
  let from = FloatMatrix(base: input.base, rows: rows, columns: k, stride: k + gap)
  let into = FloatMatrix(base: output.base, rows: rows, columns: n, stride: n + gap)
  let pool = WorkerPool(threads: threads)
  let scratch = LinearScratch(rows: rows, features: k)
  if let columns {
    let prepared = scratch.prepare(from, for: linear, pool: pool)
    for range in columns {
      linear.columns(range, of: prepared, into: into, accumulate: start != nil)
    }
  } else {
    linear.apply(
      from, into: into, accumulate: start != nil, exactRows: exactRows, scratch: scratch,
      pool: pool)
  }
  for row in 0..<rows {
    for i in n..<n + gap { #expect(output.base[row * (n + gap) + i].isNaN, "wrote into the gap") }
  }
  return (0..<rows).flatMap { row in (0..<n).map { output.base[row * (n + gap) + $0] } }
}

@Suite struct LinearTests {
  static let elements: [WeightElement] = [.f32, .bf16, .f16]

  @Test(arguments: elements)
  func equalsTheReferenceOnOddSizes(_ element: WeightElement) {
    for (rows, n, k) in [
      (1, 1, 1), (1, 3, 7), (2, 7, 15), (3, 17, 16), (4, 31, 17), (5, 65, 63), (8, 100, 129),
      (16, 8, 100), (17, 33, 64), (33, 5, 65), (64, 9, 31), (1, 129, 1000),
    ] {
      let weights = Weights(element, outFeatures: n, inFeatures: k, seed: n * k)
      var numbers = Numbers(rows)
      let x = numbers.list(rows * k)
      let found = multiply(weights.linear, x, rows: rows)
      let expected = ReferenceKernels.linear(x, weights.values, m: rows, n: n, k: k)
      // The bound of any order of summation: k roundings of at most the sum of magnitudes.
      let sizes = ReferenceKernels.linear(
        x.map(abs), weights.values.map(abs), m: rows, n: n, k: k)
      let worst = worstError(found, expected) { Double(k + 1) * 0x1p-24 * sizes[$0] }
      #expect(worst <= 1, "\(rows) x \(n) x \(k)")
    }
  }

  @Test(arguments: elements)
  func addsToWhatIsThere(_ element: WeightElement) {
    let weights = Weights(element, outFeatures: 19, inFeatures: 37, seed: 1)
    var numbers = Numbers(2)
    let x = numbers.list(3 * 37)
    let start = numbers.list(3 * 19)
    let plain = multiply(weights.linear, x, rows: 3)
    let added = multiply(weights.linear, x, rows: 3, onto: start)
    for index in plain.indices {
      #expect(abs(added[index] - (plain[index] + start[index])) <= 0x1p-22 * 40)
    }
    #expect(added != plain)
  }

  @Test(arguments: elements)
  func aRowsBitsDependOnNothingElse(_ element: WeightElement) {
    let (n, k) = (203, 117)
    let weights = Weights(element, outFeatures: n, inFeatures: k, seed: 4)
    var numbers = Numbers(5)
    let x = numbers.list(33 * k)
    let together = multiply(weights.linear, x, rows: 33, threads: 2)
    for row in 0..<33 {
      let alone = multiply(weights.linear, Array(x[row * k..<(row + 1) * k]), rows: 1)
      #expect(alone == Array(together[row * n..<(row + 1) * n]))
    }
    let cuts = [0, 1, 9, 24, 63, 64, 150, n]
    let pieces = zip(cuts, cuts.dropFirst()).map { $0..<$1 }
    #expect(multiply(weights.linear, x, rows: 33, columns: pieces) == together)
  }

  @Test(arguments: [WeightElement.bf16, .f16])
  func everyHalfPrecisionPatternIsWidenedExactly(_ element: WeightElement) {
    let patterns = (0...UInt16.max).map { $0 }
    let memory = UnsafeMutableRawPointer.allocate(byteCount: 2 * patterns.count, alignment: 64)
    memory.copyMemory(from: patterns, byteCount: 2 * patterns.count)
    let column = Linear(
      base: memory, element: element, outFeatures: patterns.count, inFeatures: 1,
      owner: Memory(memory))
    let products = multiply(column, [1], rows: 1)
    var copied: Float = 0
    for pattern in patterns {
      let value =
        element == .bf16
        ? Float(bitPattern: UInt32(pattern) << 16) : Float(Float16(bitPattern: pattern))
      column.copyRow(Int(pattern), into: &copied)
      if value.isNaN {
        #expect(copied.isNaN && products[Int(pattern)].isNaN)
      } else if copied != value || products[Int(pattern)] != value {
        Issue.record("pattern \(pattern): \(copied), \(products[Int(pattern)]), not \(value)")
      }
    }
  }

  @Test func aRowOfWeightsIsCopiedAsItWidens() {
    for element in Self.elements {
      let weights = Weights(element, outFeatures: 5, inFeatures: 13, seed: 9)
      var row = [Float](repeating: 0, count: 13)
      weights.linear.copyRow(3, into: &row)
      #expect(row == Array(weights.values[39..<52]))
    }
  }
}
