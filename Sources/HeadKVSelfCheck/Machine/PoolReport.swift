import Foundation
import HeadKVMath
import Synchronization

/// Whether the threads of a pool work, and what a parallel region costs.
package struct PoolReport: Sendable {
  package let threads: Int
  /// Threads that took tasks; those that other processes keep from running may be missing.
  package let workers: Int
  /// Whether each task was done once in every region.
  package let isExact: Bool
  /// What a region of a task a thread takes longer than a task, in microseconds, by the median.
  package let microseconds: Double

  /// Takes some hundredths of a second; up to one second if threads do not come to work.
  package init(_ pool: WorkerPool) {
    threads = pool.threads
    let tasks = 4 * pool.threads
    let seen = Mutex(Set<ObjectIdentifier>())
    var isExact = true
    let end = ContinuousClock.now + .seconds(1)
    repeat {
      let sum = Atomic<Int>(0)
      pool.run(tasks: tasks) { index in
        sum.add(index + 1, ordering: .relaxed)
        _ = seen.withLock { $0.insert(ObjectIdentifier(Thread.current)) }
        // Long enough for the others to come.
        Spin(microseconds: 100).perform(index)
      }
      isExact = isExact && sum.load(ordering: .relaxed) == tasks * (tasks + 1) / 2
    } while seen.withLock({ $0.count }) < pool.threads && ContinuousClock.now < end
    workers = seen.withLock { $0.count }
    self.isExact = isExact
    let task = Spin(microseconds: 20)
    let times = (0..<501).map { _ in
      let start = ContinuousClock.now
      pool.run(tasks: pool.threads, task)
      return (ContinuousClock.now - start) / .microseconds(1)
    }
    microseconds = times.sorted()[250] - Double(task.microseconds)
  }
}

/// A task that takes a known time.
private struct Spin: ParallelWork {
  let microseconds: Int

  func perform(_ index: Int) {
    let end = ContinuousClock.now + .microseconds(microseconds)
    while ContinuousClock.now < end {}
  }
}
