import Foundation

/// What rows of each element type stand for, one number at a time: the measure for ``RowElement``.
package enum ReferenceRows {
  /// The values of `row` after it has been stored as `element`.
  package static func rounded(_ row: [Float], _ element: RowElement) -> [Float] {
    switch element {
    case .f32: row
    case .bf16: row.map { ReferencePacking.bf16(clamped($0, to: 0x1.fep127)) }
    case .f16: row.map { f16(clamped($0, to: 65504)) }
    case .int8: bytes(row)
    }
  }

  /// `a` after it has been moved by `share` towards `b`.
  package static func merged(
    _ a: [Float], _ b: [Float], share: Float, _ element: RowElement
  ) -> [Float] {
    rounded(zip(a, b).map { $0 + share * ($1 - $0) }, element)
  }

  private static func clamped(_ x: Float, to most: Float) -> Float {
    x.isNaN ? x : min(max(x, -most), most)
  }

  /// The nearest half, ties to even; below 2^-14 halves lie 2^-24 apart.
  private static func f16(_ x: Float) -> Float {
    guard x.isFinite, x != 0 else { return x }
    let place = Double(sign: .plus, exponent: max(Int(x.exponent), -14) - 10, significand: 1)
    let rounded = (Double(x) / place).rounded(.toNearestOrEven) * place
    return rounded == 0 ? (x < 0 ? -0.0 : 0) : Float(rounded)
  }

  private static func bytes(_ row: [Float]) -> [Float] {
    if row.contains(where: \.isNaN) { return row.map { _ in .nan } }
    let finite = row.map { clamped($0, to: 0x1p127) }
    let most = finite.map(abs).max() ?? 0
    guard most >= 0x1p-100 else { return row.map { _ in 0 } }
    // There is no negative zero among whole numbers.
    return finite.map { (($0 * (127 / most)).rounded(.toNearestOrEven) + 0) * (most / 127) }
  }
}
