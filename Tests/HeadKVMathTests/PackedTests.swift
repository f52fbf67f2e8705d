import Testing

import HeadKVMath
import HeadKVSelfCheck

@Suite struct PackedTests {
  static let sizes = [
    (1, 1, 1), (1, 3, 7), (2, 16, 64), (3, 17, 65), (4, 63, 63), (5, 64, 128), (6, 65, 129),
    (7, 80, 2), (8, 100, 100), (12, 130, 31), (13, 33, 192), (19, 129, 66), (32, 200, 77),
    (64, 70, 130), (2, 300, 1000),
  ]

  private static func packed(_ weights: Weights, _ packing: Packing, threads: Int = 1) -> Linear {
    weights.linear.packed(packing, arena: WeightArena(), pool: WorkerPool(threads: threads))
  }

  private static func rows(_ x: [Float], _ width: Int) -> [[Float]] {
    stride(from: 0, to: x.count, by: width).map { Array(x[$0..<$0 + width]) }
  }

  @Test(arguments: Packing.allCases, LinearTests.elements)
  func equalsTheTwinOnOddSizes(_ packing: Packing, _ element: WeightElement) {
    for (rows, n, k) in Self.sizes {
      let worst = ProductCheck.packed(packing, element, rows: rows, n: n, k: k)
      #expect(worst <= 1, "\(rows) x \(n) x \(k)")
    }
  }

  @Test(arguments: Packing.allCases)
  func aRowsBitsDependOnNothingElse(_ packing: Packing) {
    let (n, k) = (203, 117)
    let weights = Weights(.f32, outFeatures: n, inFeatures: k, seed: 4)
    let linear = Self.packed(weights, packing)
    var numbers = Numbers(5)
    let x = numbers.list(64 * k)
    let together = multiply(linear, x, rows: 64)
    #expect(multiply(linear, x, rows: 64, threads: 3) == together)
    #expect(multiply(Self.packed(weights, packing, threads: 2), x, rows: 64) == together)
    for row in 0..<64 {
      let alone = multiply(linear, Array(x[row * k..<(row + 1) * k]), rows: 1)
      #expect(alone == Array(together[row * n..<(row + 1) * n]))
    }
    for count in 2..<20 {
      #expect(
        multiply(linear, Array(x[..<(count * k)]), rows: count) == Array(together[..<(count * n)]))
    }
    #expect(
      multiply(linear, x, rows: 64, columns: [0..<64, 64..<192, 192..<n]) == together)
  }

  @Test(arguments: Packing.allCases)
  func addsToWhatIsThere(_ packing: Packing) {
    let weights = Weights(.f32, outFeatures: 83, inFeatures: 37, seed: 1)
    let linear = Self.packed(weights, packing)
    var numbers = Numbers(2)
    let (x, start) = (numbers.list(3 * 37), numbers.list(3 * 83))
    let plain = multiply(linear, x, rows: 3)
    #expect(multiply(linear, x, rows: 3, onto: start) == zip(plain, start).map { $0 + $1 })
  }

  @Test func inputsOfBytesWithAnOutlierKeepTheOthers() {
    let weights = Weights(.f32, outFeatures: 5, inFeatures: 128, seed: 8)
    var numbers = Numbers(3)
    var x = numbers.list(128)
    x[3] = 1000
    let expected = ReferenceKernels.linear(
      Array(x[64...]), Self.rows(weights.values, 128).flatMap { $0[64...] }, m: 1, n: 5, k: 64)
    x[0..<64] = ArraySlice(repeating: 0, count: 64)
    x[3] = 1000
    let with = multiply(Self.packed(weights, .int8), x, rows: 1)
    x[3] = 0
    let without = multiply(Self.packed(weights, .int8), x, rows: 1)
    // The group without the outlier is as exact as if the outlier were not there.
    for index in 0..<5 {
      let share = Double(with[index]) - 1000 * Double(weights.values[index * 128 + 3])
      #expect(abs(share - Double(without[index])) < 1000 * 0.5 / 127 * 1.01)
      #expect(abs(Double(without[index]) - expected[index]) < 0.2)
    }
  }

  @Test func bytesAreAQuarterAndHalvesAHalf() {
    let weights = Weights(.f32, outFeatures: 128, inFeatures: 192, seed: 1)
    #expect(Self.packed(weights, .f32).byteCount == 128 * 192 * 4)
    #expect(Self.packed(weights, .bf16).byteCount == 128 * 192 * 2)
    #expect(Self.packed(weights, .int8).byteCount == 128 * 192 + 128 * 4)
  }
}

@Suite struct ProductPathTests {
  @Test(arguments: [
    ("portable", 4), ("avx2", 16), ("avx512", 128), ("avx512vnni", 128), ("avx512bf16", 128),
  ])
  func crossover(_ set: String, _ rows: Int) {
    func path(_ rows: Int, _ element: WeightElement = .f32, exact: Bool = false) -> ProductPath {
      .choose(rows: rows, element: element, exactRows: exact, instructionSet: set)
    }
    #expect(path(rows) == .blas && path(rows - 1) == .kernels)
    #expect(path(4096, exact: true) == .kernels)
    #expect(path(4096, .bf16) == .kernels && path(4096, .f16) == .kernels)
  }

  @Test(arguments: [1, 3])
  func bothPathsAgree(threads: Int) {
    let weights = Weights(.f32, outFeatures: 300, inFeatures: 70, seed: 6)
    var numbers = Numbers(7)
    let (x, start) = (numbers.list(130 * 70), numbers.list(130 * 300))
    for onto in [nil, start] {
      let wide = multiply(
        weights.linear, x, rows: 130, threads: threads, onto: onto, exactRows: false)
      let exact = multiply(weights.linear, x, rows: 130, onto: onto)
      let again = multiply(weights.linear, x, rows: 130, onto: onto, exactRows: false)
      #expect(wide == again)
      #expect(zip(wide, exact).allSatisfy { abs($0 - $1) < 1e-4 })
      #expect(wide != exact)
    }
  }

  /// Tables rounded row by row are their twin, and the caller is told of every byte once, in order,
  /// also where a matrix takes several bands.
  @Test(arguments: [(1, 1), (65, 7), (300, 130), (70_000, 64)])
  func roundsTablesInBands(_ n: Int, _ k: Int) {
    let weights = Weights(.f32, outFeatures: n, inFeatures: k, seed: n)
    for threads in [1, 3] {
      let (arena, pool) = (WeightArena(), WorkerPool(threads: threads))
      var done = 0
      var bands = 0
      func consume(_ range: Range<Int>) {
        #expect(range.lowerBound == done)
        done = range.upperBound
        bands += 1
      }
      let rounded = weights.linear.rounded(arena: arena, pool: pool, consumed: consume)
      #expect(done == 4 * n * k && (bands > 1) == (4 * n * k > 16 << 20))
      done = 0
      _ = weights.linear.packed(.int8, arena: arena, pool: pool, consumed: consume)
      #expect(done == 4 * n * k)
      var row = [Float](repeating: 0, count: k)
      for index in Set([0, n / 2, n - 1]) {
        rounded.copyRow(index, into: &row)
        #expect(row == weights.values[index * k..<(index + 1) * k].map(ReferencePacking.bf16))
      }
    }
  }
}
