import HeadKVMath
import Synchronization
import Testing

@Suite struct WorkerPoolTests {
  /// Every task runs exactly once, over many regions in quick succession and after pauses.
  @Test(arguments: [1, 2, 3, 4], [0, 1, 2, 7, 1000]) func eachTaskOnce(threads: Int, tasks: Int) {
    let pool = WorkerPool(threads: threads)
    for _ in 0..<200 {
      let sum = Atomic<Int>(0)
      pool.run(tasks: tasks) { sum.add($0 + 1, ordering: .relaxed) }
      #expect(sum.load(ordering: .relaxed) == tasks * (tasks + 1) / 2)
    }
  }

  @Test func poolsComeAndGo() {
    for _ in 0..<50 {
      let count = Atomic<Int>(0)
      WorkerPool(threads: 3).run(tasks: 10) { _ in count.add(1, ordering: .relaxed) }
      #expect(count.load(ordering: .relaxed) == 10)
    }
  }

  /// No two tasks at a time are of one worker, and none is lost while runs are shared out anew.
  @Test(arguments: [1, 2, 4]) func workersHaveTheirMemoryForThemselves(threads: Int) {
    let pool = WorkerPool(threads: threads)
    let log = WorkLog(workers: threads, tasks: 300)
    for _ in 0..<50 {
      pool.run(tasks: 300, UnevenWork(log: log))
    }
    #expect(log.clashes.load(ordering: .relaxed) == 0)
    #expect(log.done.allSatisfy { $0.count.load(ordering: .relaxed) == 50 })
  }

  @Test func aThreadGoesThroughNeighboursAndThenHelpsAnother() {
    let queues = TaskQueues(workers: 3)
    queues.fill(12)
    // Worker 1 has 4..<8; then it takes half of what worker 2 has left, from the back.
    #expect((0..<4).map { _ in queues.next(1) } == [4, 5, 6, 7])
    #expect(queues.next(2) == 8)
    #expect((0..<3).map { _ in queues.next(1) } == [10, 11, 9])
    #expect(queues.next(2) == 2)
    #expect((0..<3).map { _ in queues.next(0) } == [0, 1, 3])
    #expect((0..<3).allSatisfy { queues.next($0) == nil })
  }

  @Test func fewTasksLeaveSomeThreadsWithout() {
    let queues = TaskQueues(workers: 5)
    queues.fill(2)
    #expect(Set((0..<5).map { queues.next($0) }) == [0, 1, nil])
    queues.fill(0)
    #expect(queues.next(0) == nil)
  }
}

private final class WorkLog: Sendable {
  final class Cell: Sendable { let count = Atomic<Int>(0) }

  let busy: [Cell]
  let done: [Cell]
  let clashes = Atomic<Int>(0)

  init(workers: Int, tasks: Int) {
    busy = (0..<workers).map { _ in Cell() }
    done = (0..<tasks).map { _ in Cell() }
  }
}

/// Every 50th task takes longer than the others together.
private struct UnevenWork: WorkerWork {
  let log: WorkLog

  func perform(_ index: Int, worker: Int) {
    if log.busy[worker].count.add(1, ordering: .acquiringAndReleasing).oldValue != 0 {
      log.clashes.add(1, ordering: .relaxed)
    }
    log.done[index].count.add(1, ordering: .relaxed)
    if index % 50 == 7 { for _ in 0..<20_000 { _ = log.clashes.load(ordering: .relaxed) } }
    log.busy[worker].count.subtract(1, ordering: .acquiringAndReleasing)
  }
}
