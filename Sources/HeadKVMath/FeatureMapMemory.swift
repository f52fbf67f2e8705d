import Synchronization

/// Memory of feature maps that are gone, for those to come.
package final class FeatureMapMemory: Sendable {
  @safe
  struct Piece: @unchecked Sendable {
    let base: UnsafeMutablePointer<Float>
    let count: Int
    fileprivate let owner: WeightArena.Block
  }

  private let free = Mutex<[Piece]>([])

  package init() {}

  /// At least `count` floats in unknown state, from the smallest free piece that holds them.
  ///
  /// If there is none, free pieces are let go: the maps of a network grow, or shrink, level by level.
  func take(_ count: Int) -> Piece {
    let found: Piece? = free.withLock { pieces in
      let fitting = pieces.indices.filter { pieces[$0].count >= count }
      if let best = fitting.min(by: { pieces[$0].count < pieces[$1].count }) {
        return pieces.remove(at: best)
      }
      pieces = []
      return nil
    }
    if let found { return found }
    let (memory, owner) = unsafe WeightArena(blockSize: 0).take(
      count * MemoryLayout<Float>.stride)
    return unsafe Piece(
      base: memory.bindMemory(to: Float.self, capacity: count), count: count, owner: owner)
  }

  func give(_ piece: Piece) { free.withLock { $0.append(piece) } }
}
