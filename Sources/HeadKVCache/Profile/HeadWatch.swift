/// What a session keeps beside its cache until its budgets stand: sums of the heads' weights, and
/// their latest queries if heads are measured.
@safe
final class HeadWatch: @unchecked Sendable {
  private let shape: SequenceShape
  private let profiler: HeadProfiler?
  private let history: QueryHistory?
  /// Bytes that are held.
  let byteCount: Int

  /// Nil if the budgeter wants nothing.
  init?(_ shape: SequenceShape, _ budgeter: some Budgeter) {
    if budgeter.profiling == nil && budgeter.distortion == nil { return nil }
    self.shape = shape
    profiler = budgeter.profiling.map { HeadProfiler(shape, $0) }
    let measures = budgeter.distortion != nil
    history =
      measures
      ? QueryHistory(shape, Self.queries(shape, measuredAt: budgeter.revisions.last ?? 1)) : nil
    byteCount = Self.byteCount(shape, budgeter.profiling, measures: measures)
  }

  /// Bytes that a watch holds for budgets from such a profile, and from curves if `measures`.
  static func byteCount(
    _ shape: SequenceShape, _ profiling: ProfilingOptions?, measures: Bool
  ) -> Int {
    (profiling.map { HeadProfiler.byteCount(shape, $0) } ?? 0)
      + (measures ? queries(shape, measuredAt: 1).byteCount : 0)
  }

  private static func queries(
    _ shape: SequenceShape, measuredAt tokens: Int
  ) -> QueryHistory.Layout {
    QueryHistory.Layout(shape, count: DistortionMeter.queries, keeping: max(tokens - 1, 0))
  }

  var wantsQueries: Bool { history != nil }

  /// Takes note of the rotated query of token `token` of the picture, `[headDimension]`.
  func asked(layer: Int, head: Int, token: Int, _ query: UnsafePointer<Float>) {
    unsafe history?.record(layer: layer, head: head, token: token, query)
  }

  func attended(_ view: HeadView, _ step: HeadStep) { profiler?.attended(view, step) }

  /// Ends the step that appended the rows of `tokens`.
  func stepped(tokens: Range<Int>, birth: Int32) {
    guard let history else { return }
    for token in tokens { history.note(token: token, birth: birth) }
  }

  func snapshot() -> WatchSnapshot {
    WatchSnapshot(
      sums: profiler?.snapshot() ?? [], queries: history?.snapshot() ?? [],
      births: history?.births ?? [])
  }

  /// Takes over what another watch of the same budgeter had noted.
  ///
  /// - Precondition: the sizes are the same.
  func restore(_ snapshot: WatchSnapshot) {
    profiler?.restore(snapshot.sums)
    history?.restore(snapshot.queries, births: snapshot.births)
  }

  /// What has been seen so far; nil if it is not asked for.
  func profile() -> HeadProfile? { profiler?.profile() }

  /// What a head loses with fewer rows, by its latest queries.
  ///
  /// - Parameters:
  ///   - gain: what a squared error of the head's output counts for.
  /// - Precondition: heads are measured.
  func curve(
    _ head: HeadIndex, rows: HeadRows, prefixRows: Int, tokens: Int, gain: Float,
    _ options: DistortionOptions
  ) -> DistortionCurve {
    guard let history else { preconditionFailure("this policy does not measure heads") }
    var meter = unsafe DistortionMeter(
      rows, prefixRows: prefixRows,
      moment: DistortionMeter.Moment(tokens: tokens, grid: shape.grid, options: options))
    unsafe history.withQueries(layer: head.layer, head: head.head, newest: tokens - 1) {
      unsafe meter.ask($0, birth: $1)
    }
    return meter.curve(gain: Double(gain))
  }
}
