import Foundation
import HeadKVMath

/// Measures how fast the threads of a pool read memory that no cache holds.
///
/// The memory is four times the last-level cache, at least 512 MB, in huge pages, and each thread
/// streams over a part of its own. Two figures come of it. ``peak`` is the best window of a few
/// milliseconds, which shows what the machine can do when it is left alone. ``sustained`` is the
/// median of samples of about as many bytes as a step of a small model reads, taken between steps:
/// what the same bytes would have taken to read at that time, on a machine that is shared.
@safe
package final class ReadBandwidth {
  /// Bytes a second of the best window so far; 0 before the first call of ``measure()``.
  package private(set) var peak = 0.0
  /// Bytes a second of each sample.
  package private(set) var samples: [Double] = []

  private let pool: WorkerPool
  private let memory: UnsafeMutablePointer<UInt32>
  private let owner: WeightArena.Block
  private let partBytes: Int
  private let windowBytes: Int
  /// Where the next sample begins in each part.
  private var next = 0

  private static let passes = 6
  /// Of all threads together.
  private static let sampleBytes = 192 << 20

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

  /// The median of the samples; 0 before the first.
  package var sustained: Double { samples.isEmpty ? 0 : Statistics.median(samples) }

  /// Reads the memory some times over, notes the best window and takes samples. Takes about a tenth
  /// of a second.
  package func measure() {
    for _ in 0..<Self.passes {
      for start in stride(from: 0, to: partBytes, by: windowBytes) {
        peak = max(peak, read(from: start, windowBytes))
      }
      sample()
    }
  }

  /// Takes a sample, between pieces of work: some milliseconds. Returns bytes a second.
  @discardableResult
  package func sample() -> Double {
    let length = min(Self.sampleBytes / pool.threads, partBytes)
    if next + length > partBytes { next = 0 }
    let rate = read(from: next, length)
    samples.append(rate)
    next += length
    return rate
  }

  /// Bytes a second at which `length` bytes of each part are read.
  private func read(from start: Int, _ length: Int) -> Double {
    let work = unsafe ReadWork(
      memory: memory + start / 4, partCount: partBytes / 4, count: length / 4)
    let clock = ContinuousClock.now
    unsafe pool.run(tasks: pool.threads, work)
    return Double(length * pool.threads) / Statistics.seconds(ContinuousClock.now - clock)
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
