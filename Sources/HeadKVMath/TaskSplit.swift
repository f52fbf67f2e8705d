/// How the columns of a product are shared out: pieces of a multiple of `granularity` columns each.
package struct TaskSplit: Sendable, Equatable {
  package let columns: Int
  package let columnsPerTask: Int
  package let tasks: Int

  /// About four tasks a thread, each over at least 64 KB of weights.
  package init(columns: Int, bytesPerColumn: Int, threads: Int, granularity: Int = 8) {
    precondition(
      columns >= 0 && bytesPerColumn >= 0 && threads >= 1 && granularity >= 1, "malformed split")
    self.columns = columns
    guard columns > 0 else {
      columnsPerTask = granularity
      tasks = 0
      return
    }
    let leastColumns = (64 * 1024 + bytesPerColumn - 1) / Swift.max(bytesPerColumn, 1)
    let wanted = threads == 1 ? columns : (columns + 4 * threads - 1) / (4 * threads)
    columnsPerTask =
      (Swift.max(wanted, leastColumns) + granularity - 1) / granularity * granularity
    tasks = (columns + columnsPerTask - 1) / columnsPerTask
  }

  /// The columns of task `index`.
  package func range(_ index: Int) -> Range<Int> {
    let first = index * columnsPerTask
    return first..<Swift.min(first + columnsPerTask, columns)
  }
}
