import Foundation

/// What packed weights and their inputs are rounded to, one number at a time.
package enum ReferencePacking {
  /// The nearest bfloat16, ties to even.
  package static func bf16(_ x: Float) -> Float {
    guard x.isFinite else { return x }
    let low = Float(bitPattern: x.bitPattern & 0xffff_0000)
    let high = Float(bitPattern: low.bitPattern &+ 0x1_0000)
    let (below, above) = (abs(Double(x) - Double(low)), abs(Double(high) - Double(x)))
    if below != above { return below < above ? low : high }
    return low.bitPattern >> 16 & 1 == 0 ? low : high
  }

  /// A row of weights: whole numbers of -127...127 times largest / 127.
  package static func bytes(_ row: [Float]) -> [Float] {
    let scale = (row.map(abs).max() ?? 0) / 127
    guard scale > 0 else { return row.map { _ in 0 } }
    return row.map { ($0 * (1 / scale)).rounded(.toNearestOrEven) * scale }
  }

  /// A row of inputs: the same for each group of 64.
  package static func groupedBytes(_ row: [Float]) -> [Float] {
    stride(from: 0, to: row.count, by: 64).flatMap { start -> [Float] in
      let group = Array(row[start..<min(start + 64, row.count)])
      let largest = group.map(abs).max() ?? 0
      guard largest > 0 else { return group }
      return group.map { ($0 * (127 / largest)).rounded(.toNearestOrEven) * (largest / 127) }
    }
  }

  /// A row of weights, or of inputs, as `packing` rounds it.
  package static func rounded(_ row: [Float], _ packing: Packing, isInput: Bool) -> [Float] {
    switch packing {
    case .f32: row
    case .bf16, .bf12: row.map(bf16)
    case .int8: isInput ? groupedBytes(row) : bytes(row)
    }
  }
}
