/// Eviction plans to work in, one for each thread, allocated once.
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

  /// The plan of a thread.
  package func plan(_ worker: Int) -> UnsafeMutablePointer<EvictionPlan> { unsafe base + worker }
}
