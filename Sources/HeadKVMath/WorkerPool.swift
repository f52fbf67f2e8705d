internal import CHeadKVKernels
import Foundation
import Synchronization

/// Work that splits into tasks which touch disjoint memory.
///
/// A value of this type stays on the caller's stack while the pool runs it, so a parallel region
/// costs no allocation, which a Swift closure would.
package protocol ParallelWork {
  /// Does task `index`, in `0..<tasks`; runs on any thread of the pool.
  func perform(_ index: Int)
}

extension ParallelWork {
  fileprivate static func perform(at address: UnsafeRawPointer, _ index: Int) {
    unsafe address.assumingMemoryBound(to: Self.self).pointee.perform(index)
  }
}

/// Threads that share out the tasks of one parallel region at a time.
///
/// The caller works too. Tasks are claimed one by one from an atomic counter, so a thread that the
/// system has put aside delays nobody but the task it holds. Idle threads spin for some
/// microseconds (regions follow each other closely while a token is drawn) and then sleep.
///
/// One thread at a time may call ``run(tasks:_:)``; the owner of the pool sees to that.
@safe
package final class WorkerPool: Sendable {
  /// Threads that work on a region, the caller included.
  package let threads: Int

  private let shared: Shared

  /// Makes a pool of `threads` threads; one means that every region runs on its caller.
  package init(threads: Int) {
    precondition(threads >= 1, "a pool has at least one thread")
    self.threads = threads
    let shared = Shared()
    self.shared = shared
    for index in 1..<threads {
      let thread = Thread { shared.serve() }
      thread.name = "headkv-\(index)"
      thread.start()
    }
  }

  deinit { shared.stop() }

  /// The processors this process may use.
  package static var availableProcessors: Int { ProcessInfo.processInfo.activeProcessorCount }

  /// Performs tasks `0..<tasks` of `work` and returns when all are done.
  ///
  /// Allocates nothing and takes no lock unless a sleeping thread has to be woken.
  package func run<Work: ParallelWork>(tasks: Int, _ work: borrowing Work) {
    if threads == 1 || tasks <= 1 {
      for index in 0..<tasks { work.perform(index) }
      return
    }
    unsafe withUnsafePointer(to: work) { pointer in
      unsafe shared.run(tasks: tasks, type: Work.self, at: UnsafeRawPointer(pointer))
    }
  }

  /// The same for a closure. Allocates: not for the token loop.
  package func run(tasks: Int, body: (Int) -> Void) {
    withoutActuallyEscaping(body) { body in run(tasks: tasks, ClosureWork(body: body)) }
  }
}

private struct ClosureWork: ParallelWork {
  let body: (Int) -> Void
  func perform(_ index: Int) { body(index) }
}

/// What the threads of a pool share.
@safe
private final class Shared: @unchecked Sendable {
  /// Bit 0: a region is open. The rest counts, in steps of two, the workers inside it.
  private let gate = Atomic<Int>(0)
  private let nextTask = Atomic<Int>(0)
  private let sleepers = Atomic<Int>(0)
  private let stopping = Atomic<Bool>(false)
  private let wake = NSCondition()

  // The open region. Written only while the gate is shut and no worker is inside.
  private var tasks = 0
  private var type: (any ParallelWork.Type)?
  private var address: UnsafeRawPointer?

  private static let spins = 2_000

  func run(tasks: Int, type: any ParallelWork.Type, at address: UnsafeRawPointer) {
    self.tasks = tasks
    self.type = type
    unsafe self.address = unsafe address
    nextTask.store(0, ordering: .relaxed)
    gate.store(1, ordering: .sequentiallyConsistent)
    if sleepers.load(ordering: .sequentiallyConsistent) > 0 { wakeAll() }

    work()
    gate.bitwiseAnd(~1, ordering: .acquiringAndReleasing)
    var spins = 0
    while gate.load(ordering: .acquiring) != 0 {
      spins += 1
      if spins < Self.spins { hkv_spin_pause() } else { sched_yield() }
    }
  }

  func serve() {
    while true {
      waitForRegion()
      if stopping.load(ordering: .acquiring) { return }
      if enter() {
        work()
        gate.subtract(2, ordering: .acquiringAndReleasing)
      }
    }
  }

  func stop() {
    stopping.store(true, ordering: .sequentiallyConsistent)
    wakeAll()
  }

  private func work() {
    guard let type, let address = unsafe address else { return }
    let tasks = tasks
    while true {
      let index = nextTask.add(1, ordering: .relaxed).oldValue
      if index >= tasks { return }
      unsafe type.perform(at: address, index)
    }
  }

  /// Steps inside the open region; false if it has been shut meanwhile.
  private func enter() -> Bool {
    var seen = gate.load(ordering: .acquiring)
    while seen & 1 == 1 {
      let (done, now) = gate.compareExchange(
        expected: seen, desired: seen + 2, ordering: .acquiringAndReleasing)
      if done { return true }
      seen = now
    }
    return false
  }

  private var hasWork: Bool {
    gate.load(ordering: .sequentiallyConsistent) & 1 == 1
      || stopping.load(ordering: .sequentiallyConsistent)
  }

  private func waitForRegion() {
    for _ in 0..<Self.spins {
      if hasWork { return }
      hkv_spin_pause()
    }
    wake.lock()
    sleepers.add(1, ordering: .sequentiallyConsistent)
    while !hasWork { wake.wait() }
    sleepers.subtract(1, ordering: .sequentiallyConsistent)
    wake.unlock()
  }

  private func wakeAll() {
    wake.lock()
    wake.broadcast()
    wake.unlock()
  }
}
