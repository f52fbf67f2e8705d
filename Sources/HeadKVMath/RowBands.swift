/// Work on the rows of a matrix, a fixed number of them a task, counted from task `first` on.
protocol BandWork: ParallelWork {
  var first: Int { get set }
}

/// A matrix's rows in bands of some MB: work on a band is done before the next is touched, so that
/// the pages behind it can be given back and a large matrix never lies in memory twice.
///
/// Pages are given back band by band, not task by task: that interrupts every processor.
struct RowBands {
  let rows: Int
  let bytesPerRow: Int

  private static let bytes = 16 << 20

  /// - Parameter consumed: told, after each band, which bytes of the rows are done with.
  func run(
    _ work: some BandWork, rowsPerTask: Int, on pool: WorkerPool,
    consumed: (Range<Int>) -> Void
  ) {
    let tasks = (rows + rowsPerTask - 1) / rowsPerTask
    let perBand = max(Self.bytes / max(rowsPerTask * bytesPerRow, 1), pool.threads)
    var work = work
    for first in stride(from: 0, to: tasks, by: perBand) {
      let end = min(first + perBand, tasks)
      work.first = first
      pool.run(tasks: end - first, work)
      consumed(first * rowsPerTask * bytesPerRow..<min(end * rowsPerTask, rows) * bytesPerRow)
    }
  }
}
