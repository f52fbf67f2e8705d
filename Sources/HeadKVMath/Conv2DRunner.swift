import Synchronization

/// A pool and the memory that the layers of a convolutional network work in.
///
/// One thread at a time may use it.
package final class Conv2DRunner {
  package let pool: WorkerPool
  private let memory = FeatureMapMemory()
  private var scratch = AlignedBuffer<Float>(count: 0, repeating: 0)
  private var shared = AlignedBuffer<Float>(count: 0, repeating: 0)

  package init(pool: WorkerPool) { self.pool = pool }

  /// A map in unknown state, in memory of maps that are gone.
  package func map(channels: Int, height: Int, width: Int) -> FeatureMap {
    FeatureMap(channels: channels, height: height, width: width, memory: memory)
  }

  /// `count` floats in unknown state that tasks may share, valid until the next call.
  @unsafe
  func share(_ count: Int) -> UnsafeMutablePointer<Float> {
    if shared.count < count { shared = AlignedBuffer(count: count, repeating: 0) }
    return unsafe shared.base
  }

  /// Calls `body` with each of `0..<tasks` on some thread, along with `floats` elements of scratch
  /// memory (in unknown state) that no other thread has.
  func forEach(
    _ tasks: Int, scratch floats: Int, body: (Int, UnsafeMutablePointer<Float>) -> Void
  ) {
    let slots = min(pool.threads, tasks)
    // Threads that write side by side share no line, nor the one that is fetched along.
    let floats = (floats + 31) / 32 * 32
    if scratch.count < slots * floats {
      scratch = AlignedBuffer(count: slots * floats, repeating: 0)
    }
    let base = unsafe scratch.base
    let next = Atomic<Int>(0)
    pool.run(tasks: slots) { slot in
      while true {
        let task = next.add(1, ordering: .relaxed).oldValue
        if task >= tasks { return }
        unsafe body(task, base + slot * floats)
      }
    }
  }

  /// Cuts `0..<count` into ranges of at most `size` and calls `body` with each as ``forEach``.
  package func forEachTile(
    of count: Int, size: Int, scratch floats: Int,
    body: (Range<Int>, UnsafeMutablePointer<Float>) -> Void
  ) {
    precondition(size > 0 && floats >= 0, "malformed tiles")
    unsafe forEach((count + size - 1) / size, scratch: floats) { tile, scratch in
      unsafe body((tile * size)..<min(count, (tile + 1) * size), scratch)
    }
  }
}
