/// Eviction plans to work in, one for each task of a parallel region, allocated once.
@safe
package final class PlanStore {
  private let base: UnsafeMutablePointer<EvictionPlan>
  private let count: Int

  /// - Parameter rows: rows that a plan can name before it has to allocate.
  package init(count: Int, rows: Int) {
    self.count = count
    unsafe base = .allocate(capacity: count)
    for index in 0..<count {
      unsafe (base + index).initialize(to: EvictionPlan(reserving: rows))
    }
  }

  deinit {
    unsafe base.deinitialize(count: count)
    unsafe base.deallocate()
  }

  /// The plan of a task; one thread at a time may use it.
  package func plan(_ task: Int) -> UnsafeMutablePointer<EvictionPlan> { unsafe base + task }
}
