import HeadKVMath
import HeadKVSelfCheck
import Testing

@Suite struct RowElementTests {
  private static let lengths = [1, 2, 7, 15, 16, 17, 31, 32, 33, 64, 65, 100, 128]

  /// Bit for bit what the twin says, for numbers of all sizes.
  @Test(arguments: RowElement.allCases) func roundsAsTheTwin(_ element: RowElement) {
    for count in Self.lengths {
      for exponent in stride(from: -45, through: 38, by: 1) {
        let size = Float(Double(sign: .plus, exponent: exponent * 3, significand: 1))
        #expect(RowCheck.rounds(element, count: count, size: size), "\(count) of about \(size)")
      }
    }
  }

  /// The error is half a unit in the last place of the type, or of a row's scale.
  @Test(arguments: RowElement.allCases) func errorIsBounded(_ element: RowElement) {
    var numbers = Numbers(5)
    for count in Self.lengths {
      let values = numbers.list(count, scale: 20)
      let most = values.map(abs).max()!
      for (value, found) in zip(values, StoredRow(values, element).values) {
        let bound: Float =
          switch element {
          case .f32: 0
          case .f16: max(abs(value) * 0x1p-11, 0x1p-25)
          case .bf16: abs(value) * 0x1p-8
          // Half a step, and the rounding of the scale and of its inverse.
          case .int8: most / 127 * (0.5 + 127 * 0x1p-22)
          }
        #expect(abs(value - found) <= bound)
      }
    }
  }

  @Test func tiesGoToEven() {
    let ulp: Float = 0x1p-10
    #expect(
      StoredRow([1 + ulp / 2, 1 + 3 * ulp / 2, -1 - ulp / 2], .f16).values == [1, 1 + 2 * ulp, -1])
    // Subnormal halves lie 2^-24 apart.
    #expect(StoredRow([0x1p-25, 0x1.8p-24, 0x1.4p-23], .f16).values == [0, 0x1p-23, 0x1p-23])
    let wide: Float = 0x1p-7
    #expect(StoredRow([1 + wide / 2, 1 + 3 * wide / 2], .bf16).values == [1, 1 + 2 * wide])
    #expect(StoredRow([127, 0.5, 1.5, -2.5], .int8).values == [127, 0, 2, -2])
  }

  /// Too large a number becomes the largest of the type, and none becomes infinite.
  @Test func largeNumbersSaturate() {
    let large: [Float] = [
      65504, 65519.996, 65520, -70000, 3e38, -.infinity, .infinity, .greatestFiniteMagnitude,
    ]
    #expect(
      StoredRow(large, .f16).values == [65504, 65504, 65504, -65504, 65504, -65504, 65504, 65504])
    let most: Float = 0x1.fep127
    #expect(StoredRow([3.4e38, -.infinity, 0x1.fffffep127], .bf16).values == [most, -most, most])
    let bytes = StoredRow([.infinity, -1e38, 1], .int8).values
    #expect(abs(bytes[0] / 0x1p127 - 1) < 1e-6 && bytes[2] == 0)
    #expect(bytes.allSatisfy { $0.isFinite })
    #expect(StoredRow([.infinity, 1], .f32).values == [.infinity, 1])
  }

  @Test func noNumberStaysNone() {
    for element in [RowElement.f32, .f16, .bf16] {
      let found = StoredRow([1, .nan, 2] + Array(repeating: 3, count: 20), element).values
      #expect(found[1].isNaN && found[0] == 1 && found[22] == 3)
    }
    for place in [0, 5, 16, 21] {
      var values = Array(repeating: Float(1), count: 22)
      values[place] = .nan
      #expect(StoredRow(values, .int8).values.allSatisfy { $0.isNaN })
    }
  }

  @Test(arguments: RowElement.allCases) func zerosStayZeros(_ element: RowElement) {
    #expect(StoredRow(Array(repeating: 0, count: 37), element).values.allSatisfy { $0 == 0 })
    #expect(StoredRow([1e-31, -1e-32], .int8).values == [0, 0])
  }

  /// Merging is the average in f32, rounded anew, bit for bit.
  @Test(arguments: RowElement.allCases) func mergesAsTheTwin(_ element: RowElement) {
    for count in Self.lengths {
      for share: Float in [0.5, 0.25, 1 / 3, 0.9, 0] {
        #expect(RowCheck.merges(element, count: count, share: share), "\(count) by \(share)")
      }
    }
  }

  @Test(arguments: RowElement.allCases) func innerProducts(_ element: RowElement) {
    for count in Self.lengths { #expect(RowCheck.dot(element, count: count) <= 1, "\(count)") }
  }
}
