import HeadKVMath
import HeadKVSelfCheck
import Testing

@Suite struct BF12Tests {
  /// A matrix in place.
  private static func matrix(_ values: [Float], _ n: Int, _ k: Int) -> Linear {
    let raw = UnsafeMutableRawPointer.allocate(byteCount: max(4 * values.count, 4), alignment: 64)
    for (index, value) in values.enumerated() {
      unsafe raw.storeBytes(of: value, toByteOffset: 4 * index, as: Float.self)
    }
    return unsafe Linear(
      base: raw, element: .f32, outFeatures: n, inFeatures: k, owner: Memory(raw))
  }

  private static func packed(_ linear: Linear, _ packing: Packing) -> Linear {
    linear.packed(packing, arena: WeightArena(), pool: WorkerPool(threads: 1))
  }

  private static func bits(_ value: Float) -> UInt16 {
    UInt16(ReferencePacking.bf16(value).bitPattern >> 16)
  }

  private static func bits(_ values: [Float]) -> [UInt32] { values.map(\.bitPattern) }

  /// Weights as they are trained, with some of another kind every so often.
  private static func values(_ count: Int, seed: Int, every: Int, _ other: (Int) -> Float) -> [Float] {
    var numbers = Numbers(seed)
    var values = numbers.list(count, scale: 0.1)
    for (index, at) in stride(from: seed % every, to: count, by: every).enumerated() {
      values[at] = other(index)
    }
    return values
  }

  private static let rare: [Float] = [
    0, -0.0, 1e-38, -1e-40, 1e-6, -1e-12, 3e38, -1e20, .infinity, -.infinity, .leastNonzeroMagnitude,
  ]

  @Test func productsAreThoseOfHalvesBitForBit() throws {
    for (rows, n, k) in PackedTests.sizes + [(5, 200, 601), (11, 64, 512)] {
      let linear = Self.matrix(
        Self.values(n * k, seed: n + k, every: 701) { [1e-6, -1e-12, 1e5, 0][$0 % 4] }, n, k)
      let (coded, plain) = (Self.packed(linear, .bf12), Self.packed(linear, .bf16))
      try #require(coded.packing == .bf12)
      var numbers = Numbers(rows)
      let (x, start) = (numbers.list(rows * k), numbers.list(rows * n))
      #expect(
        Self.bits(multiply(coded, x, rows: rows)) == Self.bits(multiply(plain, x, rows: rows)),
        "\(rows) x \(n) x \(k)")
      #expect(
        multiply(coded, x, rows: rows, threads: 3, onto: start)
          == multiply(plain, x, rows: rows, onto: start))
    }
  }

  @Test(arguments: [(1, 1), (64, 2), (65, 31), (130, 600), (200, 77)])
  func holdsEveryNumber(_ n: Int, _ k: Int) throws {
    let values = Self.values(n * k, seed: 3, every: 397) { Self.rare[$0 % Self.rare.count] }
    let coded = Self.packed(Self.matrix(values, n, k), .bf12)
    try #require(coded.packing == .bf12)
    let matrix = try #require(coded.packedMatrix)
    #expect(matrix.listProblem == nil)
    for row in 0..<n {
      for column in 0..<k {
        let found = ReferenceBF12.weight(matrix, row: row, column: column)
        guard found == Self.bits(values[row * k + column]) else {
          Issue.record("\(row), \(column): \(found), expected \(values[row * k + column])")
          return
        }
      }
    }
  }

  /// The list holds a 256th of a panel's weights; one more, and the matrix is packed as bf16.
  @Test func whatIsNotHeldIsPackedAsHalves() throws {
    let (n, k) = (130, 64)
    let room = 16
    for (extra, packing) in [(0, Packing.bf12), (1, .bf16)] {
      var values = [Float](repeating: 0.5, count: n * k)
      // Fifteen high bytes fill the table of the second panel, others are listed.
      for index in 0..<15 { for copy in 0..<9 { values[64 * k + 9 * index + copy] = scale(index) } }
      for index in 0..<room + extra { values[100 * k + 3 * index] = scale(15 + index) }
      let linear = Self.matrix(values, n, k)
      let coded = Self.packed(linear, .bf12)
      #expect(coded.packing == packing)
      var numbers = Numbers(1)
      let x = numbers.list(7 * k)
      #expect(
        multiply(coded, x, rows: 7) == multiply(Self.packed(linear, .bf16), x, rows: 7))
    }
    /// Numbers of different high bytes; 0.5 is the first.
    func scale(_ index: Int) -> Float { Float(sign: .plus, exponent: -1 - 2 * index, significand: 1) }
  }

  @Test func aSubstituteTakesNoMoreMemory() {
    var numbers = Numbers(9)
    let values = (0..<64 * 64).map { index in
      Float(sign: .plus, exponent: index % 200 - 100, significand: 1 + abs(numbers.next()) / 2)
    }
    let linear = Self.matrix(values, 64, 64)
    let (first, second) = (WeightArena(), WeightArena())
    let pool = WorkerPool(threads: 1)
    var told = 0
    let coded = linear.packed(.bf12, arena: first, pool: pool) { told = $0.upperBound }
    let plain = linear.packed(.bf16, arena: second, pool: pool)
    #expect(coded.packing == .bf16 && coded.byteCount == plain.byteCount && told == 4 * 64 * 64)
    let (a, b) = unsafe (first.take(64), second.take(64))
    // Both arenas go on behind the matrix.
    #expect(
      unsafe a.memory - UnsafeMutableRawPointer(mutating: coded.packedMatrix!.panels)
        == b.memory - UnsafeMutableRawPointer(mutating: plain.packedMatrix!.panels))
  }

  @Test func takesThreeQuartersOfHalves() {
    let (n, k) = (2304, 768)
    let linear = Self.matrix(Self.values(n * k, seed: 1, every: 5000) { _ in 0 }, n, k)
    let coded = Self.packed(linear, .bf12)
    let ratio = Double(coded.byteCount) / Double(n * k * 2)
    #expect(coded.packing == .bf12 && ratio > 0.75 && ratio < 0.76)
  }

  /// A damaged list is told of, and does no harm.
  @Test func damagedListsAreFound() throws {
    let (n, k) = (64, 64)
    // Numbers of more high bytes than the table has entries.
    let values = Self.values(n * k, seed: 2, every: 350) {
      Float(sign: .plus, exponent: -20 - 5 * $0, significand: 1)
    }
    let coded = Self.packed(Self.matrix(values, n, k), .bf12)
    let matrix = try #require(coded.packedMatrix)
    let bytes = matrix.byteCount
    try #require(unsafe matrix.panels.load(fromByteOffset: 16, as: UInt32.self) >= 2)
    let changes: [(Int, UInt32, String)] = [
      (0, 7, "table"), (16, 17, "lists 17 weights"), (16, .max, "lists 4294967295 weights"),
      (64, 128 * 32 << 8, "of 4096 after -1"), (64, .max, "of 4096"), (68, 0, "after"),
    ]
    for (offset, value, text) in changes {
      let raw = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: 64)
      unsafe raw.copyMemory(from: matrix.panels, byteCount: bytes)
      unsafe raw.storeBytes(of: value, toByteOffset: offset, as: UInt32.self)
      let damaged = unsafe PackedMatrix(
        packing: .bf12, outFeatures: n, inFeatures: k, panels: UnsafeRawPointer(raw), scales: nil,
        owner: Memory(raw))
      #expect(damaged.listProblem?.contains(text) == true, "\(damaged.listProblem ?? "nothing")")
      let x = [Float](repeating: 1, count: 9 * k)
      for rows in [1, 9] {
        #expect(multiply(Linear(damaged), Array(x[..<(rows * k)]), rows: rows).count == rows * n)
      }
    }
  }
}
