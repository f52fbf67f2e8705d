import Foundation
import HeadKVMath

/// How fast this machine reads memory that no cache holds.
enum Bandwidth {
  /// Bytes a second, the best of some passes over 256 MB with all threads of the pool.
  static func measure(_ pool: WorkerPool) -> Double {
    let (rows, columns) = (65_536, 1024)
    let memory = Memory(count: rows * columns)
    let matrix = Linear(
      base: memory.buffer.base, element: .f32, outFeatures: rows, inFeatures: columns,
      owner: memory)
    let x = AlignedBuffer<Float>(count: columns, repeating: 1)
    let y = AlignedBuffer<Float>(count: rows, repeating: 0)
    var best = Double.infinity
    let scratch = LinearScratch(rows: 0, features: 0)
    for _ in 0..<7 {
      let start = ContinuousClock.now
      matrix.apply(
        x.matrix(rows: 1, columns: columns), into: y.matrix(rows: 1, columns: rows), scratch: scratch,
        pool: pool)
      best = min(best, Double((ContinuousClock.now - start) / .nanoseconds(1)) / 1e9)
    }
    return Double(matrix.byteCount) / best
  }

  private final class Memory {
    let buffer: AlignedBuffer<Float>
    init(count: Int) { buffer = AlignedBuffer(count: count, repeating: 1) }
  }
}
