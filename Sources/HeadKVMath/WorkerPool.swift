internal import CHeadKVKernels
import Foundation
import Synchronization

/// Work that splits into tasks which touch disjoint memory.
///
/// A value of this type stays on the caller's stack while the pool runs it, so a parallel region
/// costs no allocation, which a Swift closure would.
package protocol ParallelWork: WorkerWork {
  /// Does task `index`, in `0..<tasks`; runs on any thread of the pool.
  func perform(_ index: Int)
}

extension ParallelWork {
  package func perform(_ index: Int, worker: Int) { perform(index) }
}

/// Work whose tasks use memory that belongs to the thread: what a thread has used last is still in
/// its caches.
package protocol WorkerWork {
  /// Does task `index` on the thread that is number `worker`, in `0..<threads`, of the pool.
  func perform(_ index: Int, worker: Int)
}

extension WorkerWork {
  fileprivate static func perform(
    at address: UnsafeRawPointer, _ queues: borrowing TaskQueues, _ worker: Int
  ) {
    let work = unsafe address.assumingMemoryBound(to: Self.self)
    while let index = queues.next(worker) { unsafe work.pointee.perform(index, worker: worker) }
  }
}

/// Threads that share out the tasks of one parallel region at a time.
///
/// The caller works too. Each thread begins with a run of tasks of its own, as neighbours often lie
/// next to each other in memory; one that is done takes half of what another has left. So a thread
/// that the system has put aside delays nobody but the task it holds. Idle threads spin for some
/// microseconds (regions follow each other closely while a token is drawn) and then sleep.
///
/// One thread at a time may call ``run(tasks:_:)``, and no task may; the owner sees to that.
@safe
package final class WorkerPool: Sendable {
  /// Threads that work on a region, the caller included.
  package let threads: Int

  /// How many threads a pool may have.
  package static let threadCounts = 1...1024

  private let shared: Shared

  /// Makes a pool of `threads` threads; one means that every region runs on its caller.
  ///
  /// - Precondition: `threads` is one of ``threadCounts``.
  package init(threads: Int) {
    precondition(Self.threadCounts.contains(threads), "a pool has between one and 1024 threads")
    self.threads = threads
    let shared = Shared(threads: threads)
    self.shared = shared
    for index in 1..<threads {
      let thread = Thread { shared.serve(as: index) }
      thread.name = "headkv-\(index)"
      thread.start()
    }
  }

  deinit { shared.stop() }

  /// The processors this process may use, as ``ProcessorCount`` found them when first asked; no more
  /// than a pool may have threads.
  package static let availableProcessors = nearest(ProcessorCount.current.usable)

  /// The number of threads that is nearest to `threads` and that a pool may have.
  package static func nearest(_ threads: Int) -> Int {
    min(max(threads, threadCounts.lowerBound), threadCounts.upperBound)
  }

  /// Performs tasks `0..<tasks` of `work` and returns when all are done.
  ///
  /// Allocates nothing and takes no lock unless a sleeping thread has to be woken.
  package func run<Work: WorkerWork>(tasks: Int, _ work: borrowing Work) {
    precondition((0...Int(Int32.max)).contains(tasks), "no such number of tasks")
    if threads == 1 || tasks <= 1 {
      for index in 0..<tasks { work.perform(index, worker: 0) }
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
  /// Bit 0: a region is open. Bits 1 to 15 count the workers inside it. The rest numbers the
  /// regions, so that a worker which found no more tasks does not step in again.
  private let gate = Atomic<UInt>(0)
  private let sleepers = Atomic<Int>(0)
  private let stopping = Atomic<Bool>(false)
  private let wake = NSCondition()

  // The open region. Written only while the gate is shut and no worker is inside.
  private let queues: TaskQueues
  private var type: (any WorkerWork.Type)?
  private var address: UnsafeRawPointer?

  /// The number of the latest region; the caller's alone.
  private var region: UInt = 0

  private static let spins = 2_000
  private static let open: UInt = 1
  private static let worker: UInt = 2
  private static let numberShift: UInt = 16
  private static let occupied: UInt = (1 << numberShift) - 1

  init(threads: Int) { queues = TaskQueues(workers: threads) }

  func run(tasks: Int, type: any WorkerWork.Type, at address: UnsafeRawPointer) {
    queues.fill(tasks)
    self.type = type
    unsafe self.address = unsafe address
    region = (region &+ 1) & (UInt.max >> Self.numberShift)
    gate.store(region << Self.numberShift | Self.open, ordering: .sequentiallyConsistent)
    if sleepers.load(ordering: .sequentiallyConsistent) > 0 { wakeAll() }

    work(as: 0)
    gate.bitwiseAnd(~Self.open, ordering: .acquiringAndReleasing)
    var spins = 0
    while gate.load(ordering: .acquiring) & Self.occupied != 0 {
      if spins < Self.spins {
        spins += 1
        hkv_spin_pause()
      } else {
        sched_yield()
      }
    }
    self.type = nil
    unsafe self.address = nil
  }

  func serve(as worker: Int) {
    var served: UInt = 0
    while true {
      waitForRegion(after: served)
      if stopping.load(ordering: .acquiring) { return }
      if let number = enter(after: served) {
        served = number
        work(as: worker)
        gate.subtract(Self.worker, ordering: .acquiringAndReleasing)
      }
    }
  }

  func stop() {
    stopping.store(true, ordering: .sequentiallyConsistent)
    wakeAll()
  }

  private func work(as worker: Int) {
    guard let type, let address = unsafe address else { return }
    unsafe type.perform(at: address, queues, worker)
  }

  /// Steps inside the open region and gives its number; nil if there is none but `served`.
  private func enter(after served: UInt) -> UInt? {
    var seen = gate.load(ordering: .acquiring)
    while Self.isOpen(seen, after: served) {
      let (done, now) = gate.compareExchange(
        expected: seen, desired: seen + Self.worker, ordering: .acquiringAndReleasing)
      if done { return seen >> Self.numberShift }
      seen = now
    }
    return nil
  }

  private static func isOpen(_ gate: UInt, after served: UInt) -> Bool {
    gate & open != 0 && gate >> numberShift != served
  }

  private func hasWork(after served: UInt) -> Bool {
    Self.isOpen(gate.load(ordering: .sequentiallyConsistent), after: served)
      || stopping.load(ordering: .sequentiallyConsistent)
  }

  private func waitForRegion(after served: UInt) {
    for _ in 0..<Self.spins {
      if hasWork(after: served) { return }
      hkv_spin_pause()
    }
    wake.lock()
    // Counted before the last look at the gate, while the caller opens the gate before it looks at
    // the count: one of the two sees the other.
    sleepers.add(1, ordering: .sequentiallyConsistent)
    while !hasWork(after: served) { wake.wait() }
    sleepers.subtract(1, ordering: .sequentiallyConsistent)
    wake.unlock()
  }

  private func wakeAll() {
    wake.lock()
    wake.broadcast()
    wake.unlock()
  }
}
