/// The weights of a bf12 matrix, read one by one as its layout says.
package enum ReferenceBF12 {
  /// Bits of the bfloat16 of output `row` and input `column`.
  ///
  /// - Precondition: the matrix is packed as bf12.
  package static func weight(_ matrix: PackedMatrix, row: Int, column: Int) -> UInt16 {
    precondition(matrix.packing == .bf12, "another packing")
    let steps = (matrix.inFeatures + 1) / 2
    let room = (steps + 31) / 32 * 16
    let panel = unsafe matrix.panels + row / 64 * (64 + 4 * room + 192 * steps)
    let (step, vector, lane) = (column / 2, row % 64 / 16, row % 16)
    // Among the 32 weights of the vector, two of each row.
    let word = 2 * lane + column % 2

    let lines = unsafe panel + 64 + 4 * room + 192 * step
    let byte = 16 * (word / 8) + 8 * (vector % 2) + word % 8
    let low = unsafe lines.load(fromByteOffset: 64 * (vector / 2) + byte, as: UInt8.self)
    let places = unsafe lines.load(fromByteOffset: 128 + byte, as: UInt8.self)
    let place = vector < 2 ? places & 15 : places >> 4
    var high = unsafe panel.load(fromByteOffset: Int(place), as: UInt8.self)

    let listed = unsafe Int(panel.load(fromByteOffset: 16, as: UInt32.self))
    for index in 0..<listed {
      let entry = unsafe panel.load(fromByteOffset: 64 + 4 * index, as: UInt32.self)
      guard entry >> 8 == UInt32(step << 7 | vector << 5 | word) else { continue }
      high = UInt8(entry & 255)
    }
    return UInt16(high) << 8 | UInt16(low)
  }
}
