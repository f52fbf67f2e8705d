import Foundation
internal import HeadKVFiles

/// Memory for weights, handed out piece by piece from large blocks.
///
/// Blocks ask for huge pages: walking a matrix in pages of 4 KB costs a fifth of the bandwidth.
/// What is not handed out is never touched and takes no memory. One thread at a time may take.
package final class WeightArena {
  /// A block of memory; lives as long as a matrix inside does.
  @safe
  package final class Block: @unchecked Sendable {
    fileprivate let base: UnsafeMutableRawPointer
    fileprivate let byteCount: Int
    fileprivate var used = 0

    fileprivate init(byteCount: Int) {
      self.byteCount = byteCount
      unsafe base = CheckedMemory.allocate(
        byteCount: byteCount, alignment: WeightArena.pageSize)
      #if os(Linux)
        // Advice: without it the pages are small ones.
        _ = unsafe madvise(base, byteCount, Int32(MADV_HUGEPAGE))
      #endif
    }

    deinit { unsafe CheckedMemory.free(base) }

    fileprivate func giveBack(_ memory: UnsafeMutableRawPointer) {
      used = unsafe memory - base
    }

    fileprivate func take(_ bytes: Int) -> UnsafeMutableRawPointer? {
      let start = (used + 63) / 64 * 64
      guard start + bytes <= byteCount else { return nil }
      used = start + bytes
      return unsafe base + start
    }
  }

  private static let pageSize = 1 << 21
  private let blockSize: Int
  private var last: Block?

  /// - Parameter blockSize: bytes of a block; larger pieces get a block of their own.
  package init(blockSize: Int = 64 << 20) { self.blockSize = blockSize }

  /// `bytes` of uninitialised memory on a 64-byte boundary, and what keeps it alive.
  @unsafe
  package func take(_ bytes: Int) -> (memory: UnsafeMutableRawPointer, owner: Block) {
    precondition(bytes >= 0, "negative size")
    if let last, let memory = unsafe last.take(bytes) { return unsafe (memory, last) }
    // Room for a vector of scales beside the piece.
    let needed = bytes + bytes / 16 + 4096
    let block = Block(byteCount: Swift.max(blockSize, (needed + 4095) / 4096 * 4096))
    last = block
    return unsafe (block.take(bytes)!, block)
  }

  /// Takes back what was handed out last.
  @unsafe
  func giveBack(_ memory: UnsafeMutableRawPointer, to owner: Block) {
    unsafe owner.giveBack(memory)
  }

  /// More memory for the same owner; `bytes` at most a sixteenth of what it was made for.
  @unsafe
  func take(_ bytes: Int, beside owner: Block) -> UnsafeMutableRawPointer {
    unsafe owner.take(bytes)!
  }
}
