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
    let half = headDimension / 4
    let frequencies = (0..<half).map { 1 / pow(base, Float(2 * $0) / Float(2 * half)) }
    // What turns by the row turns by the column alike: one line of angles serves both.
    let side = max(grid.width, grid.height)
    let turns = (0..<side).map { along in
      frequencies.map { (cos(Float(along) * $0), sin(Float(along) * $0)) }
    }
    for cell in 0..<cells {
      let (row, column) = (turns[cell / grid.width], turns[cell % grid.width])
      let target = unsafe table.base + cell * pairs * 2
      for pair in 0..<half {
        unsafe (target[2 * pair], target[2 * pair + 1]) = row[pair]
        unsafe (target[2 * (half + pair)], target[2 * (half + pair) + 1]) = column[pair]
      }
    }
  }

  /// Pairs (cos, sin) of all cells, a row each.
  var rows: FloatMatrix { unsafe table.matrix(rows: cells, columns: pairs * 2) }

  /// Pairs (cos, sin) of the cell at `position`.
  func row(_ position: Int) -> UnsafePointer<Float> {
    precondition(position >= 0 && position < cells, "position outside the grid")
    return unsafe UnsafePointer(rows.row(position))
  }
}
