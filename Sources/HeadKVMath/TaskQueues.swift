import Synchronization

/// The tasks of a parallel region that are still to be done: a run of numbers for each thread.
///
/// A thread takes its own from the front, and from the back half of another's when it has none.
/// Nothing here waits or allocates but the initialiser.
@safe
package struct TaskQueues: ~Copyable, @unchecked Sendable {
  private let workers: Int
  private let slots: UnsafeMutablePointer<Slot>

  /// The first task that is left in the high half, the end in the low one; alone in its cache lines.
  private struct Slot: ~Copyable {
    let run = Atomic<UInt64>(0)
    private let padding: (UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64) =
      (0, 0, 0, 0, 0, 0, 0)
    private let more: (UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64) =
      (0, 0, 0, 0, 0, 0, 0, 0)
  }

  /// - Precondition: `workers` is positive.
  package init(workers: Int) {
    precondition(workers > 0, "tasks are for somebody")
    self.workers = workers
    unsafe slots = .allocate(capacity: workers)
    for index in 0..<workers { unsafe (slots + index).initialize(to: Slot()) }
  }

  deinit {
    unsafe slots.deinitialize(count: workers)
    unsafe slots.deallocate()
  }

  private static func run(_ first: Int, _ end: Int) -> UInt64 {
    UInt64(first) << 32 | UInt64(end)
  }

  private static func bounds(_ run: UInt64) -> (first: Int, end: Int) {
    (Int(run >> 32), Int(run & 0xffff_ffff))
  }

  /// Shares out tasks `0..<tasks` evenly.
  ///
  /// - Precondition: no thread takes tasks meanwhile; they are fewer than 2^31.
  package func fill(_ tasks: Int) {
    for worker in 0..<workers {
      let run = Self.run(tasks * worker / workers, tasks * (worker + 1) / workers)
      unsafe slots[worker].run.store(run, ordering: .relaxed)
    }
  }

  /// The next task of a thread; nil if none is left for it.
  package func next(_ worker: Int) -> Int? {
    if let own = first(worker) { return own }
    for other in 1..<max(workers, 1) {
      if let stolen = steal(from: (worker + other) % workers, for: worker) { return stolen }
    }
    return nil
  }

  private func first(_ worker: Int) -> Int? {
    var run = unsafe slots[worker].run.load(ordering: .relaxed)
    while true {
      let (first, end) = Self.bounds(run)
      if first >= end { return nil }
      let (taken, now) = unsafe slots[worker].run.weakCompareExchange(
        expected: run, desired: Self.run(first + 1, end), ordering: .relaxed)
      if taken { return first }
      run = now
    }
  }

  /// Takes the back half of another thread's run; returns its first task and keeps the others.
  private func steal(from other: Int, for worker: Int) -> Int? {
    var run = unsafe slots[other].run.load(ordering: .relaxed)
    while true {
      let (first, end) = Self.bounds(run)
      if first >= end { return nil }
      let middle = first + (end - first) / 2
      let (taken, now) = unsafe slots[other].run.weakCompareExchange(
        expected: run, desired: Self.run(first, middle), ordering: .relaxed)
      if taken {
        unsafe slots[worker].run.store(Self.run(middle + 1, end), ordering: .relaxed)
        return middle
      }
      run = now
    }
  }
}
