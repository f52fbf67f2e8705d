import HeadKVMath
import Testing

@Suite struct RowElementTests {
  /// A row that has been stored, and the room that its stores may not leave.
  private struct Row {
    let element: RowElement
    let count: Int
    var bytes: [UInt8]
    var scale: Float = 1

    init(_ values: [Float], _ element: RowElement) {
      self.element = element
      count = values.count
      bytes = Array(repeating: 0xa5, count: (count + 3) * element.byteCount)
      scale = bytes.withUnsafeMutableBytes {
        element.store(values, count: values.count, into: $0.baseAddress!)
      }
    }

    var values: [Float] {
      var out = [Float](repeating: .nan, count: count)
      bytes.withUnsafeBytes {
        element.load($0.baseAddress!, scale: scale, count: count, into: &out)
      }
      return out
    }

    var isWithinItsRoom: Bool {
      bytes[(count * element.byteCount)...].allSatisfy { $0 == 0xa5 }
    }
  }

  private static let lengths = [1, 2, 7, 15, 16, 17, 31, 32, 33, 64, 65, 100, 128]

  private func bits(_ row: [Float]) -> [UInt32] { row.map(\.bitPattern) }

  /// Bit for bit what the twin says, for numbers of all sizes.
  @Test(arguments: RowElement.allCases) func roundsAsTheTwin(_ element: RowElement) {
    var numbers = Numbers(3)
    for count in Self.lengths {
      for exponent in stride(from: -45, through: 38, by: 1) {
        let size = Float(Double(sign: .plus, exponent: exponent * 3, significand: 1))
        let values = numbers.list(count, scale: size)
        let row = Row(values, element)
        #expect(bits(row.values) == bits(ReferenceRows.rounded(values, element)))
        #expect(row.isWithinItsRoom)
      }
    }
  }

  /// The error is half a unit in the last place of the type, or of a row's scale.
  @Test(arguments: RowElement.allCases) func errorIsBounded(_ element: RowElement) {
    var numbers = Numbers(5)
    for count in Self.lengths {
      let values = numbers.list(count, scale: 20)
      let most = values.map(abs).max()!
      for (value, found) in zip(values, Row(values, element).values) {
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
      Row([1 + ulp / 2, 1 + 3 * ulp / 2, -1 - ulp / 2], .f16).values == [1, 1 + 2 * ulp, -1])
    // Subnormal halves lie 2^-24 apart.
    #expect(Row([0x1p-25, 0x1.8p-24, 0x1.4p-23], .f16).values == [0, 0x1p-23, 0x1p-23])
    let wide: Float = 0x1p-7
    #expect(Row([1 + wide / 2, 1 + 3 * wide / 2], .bf16).values == [1, 1 + 2 * wide])
    #expect(Row([127, 0.5, 1.5, -2.5], .int8).values == [127, 0, 2, -2])
  }

  /// Too large a number becomes the largest of the type, and none becomes infinite.
  @Test func largeNumbersSaturate() {
    let large: [Float] = [
      65504, 65519.996, 65520, -70000, 3e38, -.infinity, .infinity, .greatestFiniteMagnitude,
    ]
    #expect(
      Row(large, .f16).values == [65504, 65504, 65504, -65504, 65504, -65504, 65504, 65504])
    let most: Float = 0x1.fep127
    #expect(Row([3.4e38, -.infinity, 0x1.fffffep127], .bf16).values == [most, -most, most])
    let bytes = Row([.infinity, -1e38, 1], .int8).values
    #expect(abs(bytes[0] / 0x1p127 - 1) < 1e-6 && bytes[2] == 0)
    #expect(bytes.allSatisfy { $0.isFinite })
    #expect(Row([.infinity, 1], .f32).values == [.infinity, 1])
  }

  @Test func noNumberStaysNone() {
    for element in [RowElement.f32, .f16, .bf16] {
      let found = Row([1, .nan, 2] + Array(repeating: 3, count: 20), element).values
      #expect(found[1].isNaN && found[0] == 1 && found[22] == 3)
    }
    for place in [0, 5, 16, 21] {
      var values = Array(repeating: Float(1), count: 22)
      values[place] = .nan
      #expect(Row(values, .int8).values.allSatisfy { $0.isNaN })
    }
  }

  @Test(arguments: RowElement.allCases) func zerosStayZeros(_ element: RowElement) {
    #expect(Row(Array(repeating: 0, count: 37), element).values.allSatisfy { $0 == 0 })
    #expect(Row([1e-31, -1e-32], .int8).values == [0, 0])
  }

  /// Merging is the average in f32, rounded anew, bit for bit.
  @Test(arguments: RowElement.allCases) func mergesAsTheTwin(_ element: RowElement) {
    var numbers = Numbers(11)
    for count in Self.lengths {
      for share: Float in [0.5, 0.25, 1 / 3, 0.9, 0] {
        let (a, b) = (numbers.list(count, scale: 3), numbers.list(count))
        var into = Row(a, element)
        let from = Row(b, element)
        let expected = ReferenceRows.merged(into.values, from.values, share: share, element)
        into.scale = into.bytes.withUnsafeMutableBytes { target in
          from.bytes.withUnsafeBytes { source in
            element.merge(
              source.baseAddress!, scale: from.scale, share: share, count: count,
              into: target.baseAddress!, scale: into.scale)
          }
        }
        #expect(bits(into.values) == bits(expected) && into.isWithinItsRoom)
      }
    }
  }

  @Test(arguments: RowElement.allCases) func innerProducts(_ element: RowElement) {
    var numbers = Numbers(13)
    for count in Self.lengths {
      let (a, b) = (Row(numbers.list(count), element), Row(numbers.list(count), element))
      let found = a.bytes.withUnsafeBytes { x in
        b.bytes.withUnsafeBytes { y in
          a.scale * b.scale * element.dot(x.baseAddress!, y.baseAddress!, count: count)
        }
      }
      let expected = zip(a.values, b.values).reduce(0.0) { $0 + Double($1.0) * Double($1.1) }
      #expect(abs(Double(found) - expected) <= Double(count + 4) * 0x1p-24 * Double(count))
    }
  }
}
