import Foundation
import HeadKVMath

/// Collects a ``HeadProfile`` from the softmax weights that attention has computed anyway.
///
/// Memory is allocated at the start; observing allocates nothing and touches the memory of its
/// head only, so heads may be observed by different threads at the same time.
@safe
public final class HeadProfiler: CacheObserver, @unchecked Sendable {
  /// Tokens of the picture whose queries count.
  public let tokens: Range<Int>
  public let tau: Double
  public let domain: ProfileDomain
  private let shape: SequenceShape
  private let layout: Layout
  private let sums: AlignedBuffer<Float>

  /// - Parameters:
  ///   - tokens: tokens of the picture whose queries count; ages and rows up to the last of them
  ///     are told apart.
  /// - Precondition: `tokens` is not empty and lies on the grid; `tau` is above 0 and at most 1.
  public init(
    _ shape: SequenceShape, tokens: Range<Int>, tau: Double = 0.9, domain: ProfileDomain = .visual
  ) {
    precondition(
      !tokens.isEmpty && tokens.lowerBound >= 0 && tokens.upperBound <= shape.grid.count,
      "profiled tokens lie on the grid")
    precondition(tau > 0 && tau <= 1, "a reach holds a share of the mass")
    self.shape = shape
    self.tokens = tokens
    self.tau = tau
    self.domain = domain
    layout = Layout(shape, until: tokens.upperBound)
    sums = AlignedBuffer(count: layout.stride * shape.allHeads, repeating: 0)
  }

  public convenience init(_ shape: SequenceShape, _ options: ProfilingOptions) {
    let end = min(options.tokens, shape.grid.count)
    self.init(
      shape, tokens: max(end - options.queries, 0)..<end, tau: options.tau,
      domain: options.domain)
  }

  /// Bytes that a profiler with these options takes.
  static func byteCount(_ shape: SequenceShape, _ options: ProfilingOptions) -> Int {
    let end = min(options.tokens, shape.grid.count)
    return Layout(shape, until: end).stride * shape.allHeads * MemoryLayout<Float>.stride
  }

  /// Where the sums of a head lie, in floats from its start.
  private struct Layout {
    let ages: Int
    let rows: Int

    /// - Parameter end: tokens of the picture up to the last that is profiled.
    init(_ shape: SequenceShape, until end: Int) {
      ages = shape.prefixRows + end + shape.rowsPerStep
      rows = shape.grid.height
    }

    // Entropy, reach, prefix mass and the number of queries come first.
    let entropy = 0
    let reach = 1
    let prefix = 2
    let queries = 3
    let age = 4
    var birth: Int { age + ages }
    var row: Int { birth + ages }
    var offset: Int { row + rows }
    var rest: Int { offset + OffsetMass.count }
    /// Mass by age of the query at hand.
    var scratch: Int { rest + 1 }
    /// A multiple of the cache line, so that threads do not share one.
    var stride: Int { (scratch + ages + 15) / 16 * 16 }
  }

  private func base(_ layer: Int, _ head: Int) -> UnsafeMutablePointer<Float> {
    unsafe sums.base + (layer * shape.heads + head) * layout.stride
  }

  /// - Complexity: O(queries * (count + age of the oldest row)).
  public func attended(_ head: HeadView, _ step: HeadStep) {
    guard head.queries > 0, step.tokens > tokens.lowerBound,
      step.tokens - step.newRows < tokens.upperBound
    else { return }
    let sums = unsafe base(step.layer, step.head)
    for query in 0..<head.queries {
      unsafe observe(head, step, query, sums)
    }
  }

  private func observe(
    _ head: HeadView, _ step: HeadStep, _ query: Int, _ sums: UnsafeMutablePointer<Float>
  ) {
    var prefix: Float = 0
    for slot in 0..<step.prefixRows { prefix += head.weight(query: query, slot: slot) }
    unsafe sums[layout.queries] += 1
    unsafe sums[layout.prefix] += prefix
    let first = domain == .visual ? step.prefixRows : 0
    let visible = head.count - first
    let mass = domain == .visual ? 1 - prefix : 1
    // A head that looks at nothing but the prefix needs nothing else.
    guard visible > 0, mass > 1e-6 else { return }
    let scale = 1 / mass
    let width = Int32(shape.grid.width)
    let place = head.queryPosition(query)
    let (row, column) = (place / width, place % width)
    let scratch = unsafe sums + layout.scratch
    var oldest = 0
    var entropy: Float = 0
    for slot in first..<head.count {
      let weight = head.weight(query: query, slot: slot) * scale
      if weight > 0 { entropy -= weight * log(weight) }
      let birth = Int(head.birth(slot))
      let age = min(max(Int(step.now) - birth, 0), layout.ages - 1)
      unsafe scratch[age] += weight
      oldest = max(oldest, age)
      if birth < layout.ages { unsafe sums[layout.birth + birth] += weight }
      let position = head.position(slot)
      if position < 0 { continue }
      let (up, right) = (Int(row - position / width), Int(position % width - column))
      if up >= 0 && up < layout.rows { unsafe sums[layout.row + up] += weight }
      if up >= 0 && up < OffsetMass.rows && abs(right) <= OffsetMass.columns {
        unsafe sums[
          layout.offset + up * (2 * OffsetMass.columns + 1) + right + OffsetMass.columns] += weight
      } else {
        unsafe sums[layout.rest] += weight
      }
    }
    if visible > 1 { unsafe sums[layout.entropy] += entropy / log(Float(visible)) }
    unsafe sums[layout.reach] += foldAges(sums, oldest)
  }

  /// Adds the query's masses by age to the sums and empties them; returns the query's reach.
  private func foldAges(_ sums: UnsafeMutablePointer<Float>, _ oldest: Int) -> Float {
    let scratch = unsafe sums + layout.scratch
    var held = 0.0
    // Rounding may leave the sum a little below one.
    let target = tau - 1e-6
    var reach = oldest + 1
    for age in 0...oldest {
      let mass = unsafe scratch[age]
      unsafe sums[layout.age + age] += mass
      unsafe scratch[age] = 0
      if held < target && held + Double(mass) >= target { reach = age + 1 }
      held += Double(mass)
    }
    return Float(reach)
  }

  /// The sums of what has been observed so far, head by head.
  func snapshot() -> [Float] {
    unsafe Array(UnsafeBufferPointer(start: sums.base, count: sums.count))
  }

  /// Goes on from the sums of another profiler of the same options.
  ///
  /// - Precondition: as many as ``snapshot()`` had.
  func restore(_ saved: [Float]) {
    precondition(saved.count == sums.count, "sums of another shape")
    unsafe sums.base.update(from: saved, count: saved.count)
  }

  /// The profile of what has been observed so far.
  public func profile() -> HeadProfile {
    HeadProfile(
      grid: shape.grid, prefixRows: shape.prefixRows, queries: tokens, tau: tau, domain: domain,
      heads: HeadMap(layers: shape.layers, heads: shape.heads) { statistics($0, $1) })
  }

  private func statistics(_ layer: Int, _ head: Int) -> HeadStatistics {
    let sums = unsafe base(layer, head)
    let count = unsafe max(sums[layout.queries], 1)
    func means(_ start: Int, _ length: Int) -> [Float] {
      (0..<length).map { unsafe sums[start + $0] / count }
    }
    // Rows that were never seen tell nothing.
    let ages = min(tokens.upperBound + (domain == .all ? shape.prefixRows : 0), layout.ages)
    return HeadStatistics(
      entropy: Double(unsafe sums[layout.entropy] / count),
      reach: Double(unsafe sums[layout.reach] / count),
      prefixMass: Double(unsafe sums[layout.prefix] / count),
      ageMass: means(layout.age, ages), rowMass: means(layout.row, layout.rows),
      offsetMass: OffsetMass(
        values: means(layout.offset, OffsetMass.count), rest: unsafe sums[layout.rest] / count),
      concentration: Array(means(layout.birth, layout.ages).sorted(by: >).prefix(ages)))
  }
}
