import Synchronization

/// A pool and the scratch memory its threads need for the layers of a convolutional network.
///
/// One thread at a time may use it.
package final class Conv2DRunner {
  package let pool: WorkerPool
  private var scratch = AlignedBuffer<Float>(count: 0, repeating: 0)

  package init(pool: WorkerPool) { self.pool = pool }

  /// Cuts `0..<count` into ranges of at most `size` and calls `body` with each on some thread,
  /// along with `floats` elements of scratch memory (in unknown state) that no other thread has.
  package func forEachTile(
    of count: Int, size: Int, scratch floats: Int,
    body: (Range<Int>, UnsafeMutablePointer<Float>) -> Void
  ) {
    precondition(size > 0 && floats >= 0, "malformed tiles")
    let tiles = (count + size - 1) / size
    let slots = min(pool.threads, tiles)
    let floats = (floats + 15) / 16 * 16
    if scratch.count < slots * floats {
      scratch = AlignedBuffer(count: slots * floats, repeating: 0)
    }
    let base = unsafe scratch.base
    let next = Atomic<Int>(0)
    pool.run(tasks: slots) { slot in
      while true {
        let tile = next.add(1, ordering: .relaxed).oldValue
        if tile >= tiles { return }
        unsafe body((tile * size)..<min(count, (tile + 1) * size), base + slot * floats)
      }
    }
  }

  /// Width of a tile such that its `rows` rows stay near the caches and every thread gets one.
  package func tileWidth(rows: Int, of count: Int) -> Int {
    let cached = min(max((1 << 19) / max(rows, 1), 64), 2048)
    let shared = (count + pool.threads - 1) / pool.threads
    return (min(cached, max(shared, 1)) + 15) / 16 * 16
  }
}
