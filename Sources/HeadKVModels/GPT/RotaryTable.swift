import Foundation
import HeadKVCache
import HeadKVMath

/// Cosines and sines of LlamaGen's two-dimensional rotary embedding, `[cells, headDimension/2, 2]`.
///
/// The first half of a head's pairs turns with the grid row, the second with the column, by
/// `base^(-2m / (headDimension/2))` per cell for the m-th pair of its half. Prefix positions have
/// the table row (0, 0): rotating by it gives the zero vector, so their queries and keys are zero.
final class RotaryTable: Sendable {
  let cells: Int
  let pairs: Int
  private let table: AlignedBuffer<Float>

  init(grid: TokenGrid, headDimension: Int, base: Float) {
    cells = grid.count
    pairs = headDimension / 2
    table = AlignedBuffer(count: cells * pairs * 2, repeating: 0)
    let half = headDimension / 2
    let frequencies = (0..<half / 2).map { 1 / pow(base, Float(2 * $0) / Float(half)) }
    for cell in 0..<cells {
      for pair in 0..<pairs {
        let along = pair < half / 2 ? cell / grid.width : cell % grid.width
        let angle = Float(along) * frequencies[pair % (half / 2)]
        unsafe table.base[(cell * pairs + pair) * 2] = cos(angle)
        unsafe table.base[(cell * pairs + pair) * 2 + 1] = sin(angle)
      }
    }
  }

  /// Pairs (cos, sin) of the cell at `position`.
  func row(_ position: Int) -> UnsafePointer<Float> {
    precondition(position >= 0 && position < cells, "position outside the grid")
    return unsafe UnsafePointer(table.base + position * pairs * 2)
  }
}
