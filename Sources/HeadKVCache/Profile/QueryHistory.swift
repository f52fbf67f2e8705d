import HeadKVMath

/// Rotated queries of every head over the newest line of the grid: what a head asked lately.
///
/// A ring of evenly spaced queries a head, rounded to f16, which is finer than what is measured with
/// them. Each query also has the step it belongs to, so that it can be asked again of the rows it
/// saw. Different heads may be written by different threads at the same time.
@safe
final class QueryHistory: @unchecked Sendable {
  /// Which tokens' queries are kept, and the memory that takes.
  struct Layout: Sendable {
    /// Every so many tokens one is kept.
    let stride: Int
    /// Queries of a head.
    let depth: Int
    /// Tokens whose queries are kept are this many beyond a multiple of `stride`.
    private let phase: Int
    private let size: Int
    private let heads: Int

    /// - Parameters:
    ///   - count: queries of a head at most.
    ///   - token: a token whose query is kept: the last before heads are measured.
    init(_ shape: SequenceShape, count: Int, keeping token: Int) {
      stride = (shape.grid.width + count - 1) / count
      depth = (shape.grid.width + stride - 1) / stride
      phase = token % stride
      size = shape.headDimension
      heads = shape.allHeads
    }

    func keeps(_ token: Int) -> Bool { token % stride == phase }

    /// Place of a token's query in the ring; of the newest that is kept if its own is not.
    func index(_ token: Int) -> Int { (token - phase + stride) / stride % depth }

    /// Elements of all heads' queries.
    fileprivate var elements: Int { heads * depth * size }

    fileprivate var queryBytes: Int { size * RowElement.f16.byteCount }

    /// Bytes of all heads' queries, in whole pages.
    var byteCount: Int { CacheArena.pages(heads * depth * queryBytes) }
  }

  let layout: Layout
  private let shape: SequenceShape
  private let arena: CacheArena
  /// The step that each place of the ring belongs to; -1 if none yet.
  private(set) var births: [Int32]

  init(_ shape: SequenceShape, _ layout: Layout) {
    self.shape = shape
    self.layout = layout
    arena = CacheArena(byteCount: layout.byteCount, reserving: layout.byteCount)
    births = Array(repeating: -1, count: layout.depth)
  }

  private func query(_ layer: Int, _ head: Int, _ index: Int) -> UnsafeMutableRawPointer {
    let row = (layer * shape.heads + head) * layout.depth + index
    return unsafe arena.base + row * layout.queryBytes
  }

  /// Remembers the query of token `token` of the picture, if it is one of those that are kept.
  func record(layer: Int, head: Int, token: Int, _ vector: UnsafePointer<Float>) {
    guard layout.keeps(token) else { return }
    _ = unsafe RowElement.f16.store(
      vector, count: shape.headDimension, into: query(layer, head, layout.index(token)))
  }

  /// Notes the step of token `token`; called once a step.
  func note(token: Int, birth: Int32) {
    if layout.keeps(token) { births[layout.index(token)] = birth }
  }

  /// A head's queries, from the newest back; `newest` is the token drawn last.
  func withQueries(
    layer: Int, head: Int, newest token: Int,
    _ body: (_ query: UnsafePointer<Float>, _ birth: Int32) -> Void
  ) {
    let vector = AlignedBuffer<Float>(count: shape.headDimension, repeating: 0)
    let newest = layout.index(token)
    for back in 0..<layout.depth {
      let index = (newest - back + layout.depth) % layout.depth
      guard births[index] >= 0 else { return }
      unsafe RowElement.f16.load(
        query(layer, head, index), scale: 1, count: shape.headDimension, into: vector.base)
      unsafe body(vector.base, births[index])
    }
  }

  /// All heads' queries as f16 bits.
  func snapshot() -> [UInt16] {
    unsafe Array(
      UnsafeBufferPointer(
        start: arena.base.assumingMemoryBound(to: UInt16.self), count: layout.elements))
  }

  /// - Precondition: as many queries and steps as ``snapshot()`` and ``births`` had.
  func restore(_ queries: [UInt16], births: [Int32]) {
    precondition(
      queries.count == layout.elements && births.count == layout.depth, "queries of another shape")
    unsafe arena.base.assumingMemoryBound(to: UInt16.self).update(
      from: queries, count: queries.count)
    self.births = births
  }
}
