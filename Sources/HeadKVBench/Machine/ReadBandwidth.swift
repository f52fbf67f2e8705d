import Foundation
import HeadKVMath

/// Measures how fast the threads of a pool read memory that no cache holds.
///
/// The memory is four times the last-level cache, at least 512 MB, in huge pages, and each thread
/// streams over a part of its own. What is timed is a window of it, some milliseconds at most: a
/// window that other processes left alone shows what the machine can do, which a pass over the
/// whole would not on a machine that is shared.
@safe
package final class ReadBandwidth {
  /// Bytes a second of the best window of each call of ``measure()``.
  package private(set) var readings: [Double] = []

  private let pool: WorkerPool
  private let memory: UnsafeMutablePointer<UInt32>
  private let owner: WeightArena.Block
  private let partBytes: Int
  private let windowBytes: Int

  private static let passes = 6

  /// - Parameter bytes: memory to read; by default as much as it takes to pass the caches by.
  package init(pool: WorkerPool, bytes: Int? = nil) {
    self.pool = pool
    let cache = MachineDescription.lastLevelCacheBytes ?? 0
    let wanted = bytes ?? min(max(512 << 20, 4 * cache), MachineDescription.memoryBytes / 4)
    windowBytes = min(max(wanted / pool.threads / 8, 1 << 16), 16 << 20) / 4096 * 4096
    partBytes = max(wanted / pool.threads / windowBytes, 1) * windowBytes
    let total = partBytes * pool.threads
    let (bytes, owner) = unsafe WeightArena(blockSize: total).take(total)
    self.owner = owner
    unsafe memory = bytes.bindMemory(to: UInt32.self, capacity: total / 4)
    unsafe pool.run(
      tasks: pool.threads, FillWork(memory: memory, count: partBytes / 4))
  }

  /// The most that was read; 0 before the first reading.
  package var best: Double { readings.max() ?? 0 }

  /// The median of the readings; 0 before the first.
  package var median: Double { readings.isEmpty ? 0 : Statistics.median(readings) }

  /// Reads the memory some times over and notes the best window. Takes about a tenth of a second.
  package func measure() {
    var least = Double.infinity
    for _ in 0..<Self.passes {
      for start in stride(from: 0, to: partBytes, by: windowBytes) {
        let work = unsafe ReadWork(
          memory: memory + start / 4, partCount: partBytes / 4, count: windowBytes / 4)
        let clock = ContinuousClock.now
        unsafe pool.run(tasks: pool.threads, work)
        least = min(least, Statistics.seconds(ContinuousClock.now - clock))
      }
    }
    readings.append(Double(windowBytes * pool.threads) / least)
  }
}

@unsafe
private struct FillWork: ParallelWork {
  let memory: UnsafeMutablePointer<UInt32>
  let count: Int

  func perform(_ index: Int) {
    for place in unsafe index * count..<(index + 1) * count {
      unsafe memory[place] = UInt32(truncatingIfNeeded: place)
    }
  }
}

@unsafe
private struct ReadWork: ParallelWork {
  let memory: UnsafeMutablePointer<UInt32>
  let partCount: Int
  let count: Int

  func perform(_ index: Int) {
    _ = unsafe Kernels.sum(memory + index * partCount, count: count)
  }
}
