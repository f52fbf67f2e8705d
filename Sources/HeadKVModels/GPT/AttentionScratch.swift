import HeadKVCache
import HeadKVMath

/// What each thread attends in: softmax weights of the two branches of a picture, and a plan.
///
/// A thread goes through head after head, so that what it works in stays in its caches.
@safe
final class AttentionScratch {
  private let weightBuffer: AlignedBuffer<Float>
  private let plans: PlanStore
  /// Floats of a branch.
  private let stride: Int

  /// - Parameters:
  ///   - rowsPerStep: queries of one sequence in a step.
  ///   - cacheRows: rows that a head may have.
  init(threads: Int, rowsPerStep: Int, cacheRows: Int) {
    stride = Self.stride(rowsPerStep, cacheRows)
    weightBuffer = AlignedBuffer(count: threads * 2 * stride, repeating: 0)
    plans = PlanStore(count: threads, rows: cacheRows)
  }

  /// Whole cache lines, so that no two threads share one.
  private static func stride(_ rowsPerStep: Int, _ cacheRows: Int) -> Int {
    (rowsPerStep * cacheRows + 15) / 16 * 16
  }

  /// Bytes that are allocated.
  static func byteCount(threads: Int, rowsPerStep: Int, cacheRows: Int) -> Int {
    threads * (8 * stride(rowsPerStep, cacheRows) + EvictionPlan.byteCount(reserving: cacheRows))
  }

  /// Where a thread puts the weights `[queries, live rows]` of a branch, 0 or 1.
  func weights(worker: Int, branch: Int) -> UnsafeMutablePointer<Float> {
    unsafe weightBuffer.base + (2 * worker + branch) * stride
  }

  func plan(worker: Int) -> UnsafeMutablePointer<EvictionPlan> { unsafe plans.plan(worker) }
}
