/// Watches a sequence's cache as it is drawn: for profiles and reports.
public protocol CacheObserver: AnyObject, Sendable {
  /// Called after a head's attention, before rows leave; from any thread, for different heads at
  /// the same time. Under shared branches it is called for both together.
  func attended(_ head: HeadView, _ step: HeadStep)

  /// Called after each step, once rows have left and budgets have been revised.
  func stepped(_ session: CacheSession)
}

extension CacheObserver {
  public func attended(_ head: HeadView, _ step: HeadStep) {}
  public func stepped(_ session: CacheSession) {}
}
