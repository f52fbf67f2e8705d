import Testing

import HeadKVMath
import HeadKVSelfCheck

@Suite struct LinearTests {
  static let elements: [WeightElement] = [.f32, .bf16, .f16]

  @Test(arguments: elements)
  func equalsTheReferenceOnOddSizes(_ element: WeightElement) {
    for (rows, n, k) in [
      (1, 1, 1), (1, 3, 7), (2, 7, 15), (3, 17, 16), (4, 31, 17), (5, 65, 63), (8, 100, 129),
      (16, 8, 100), (17, 33, 64), (33, 5, 65), (64, 9, 31), (1, 129, 1000),
    ] {
      let worst = ProductCheck.linear(element, rows: rows, n: n, k: k)
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
