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
}
