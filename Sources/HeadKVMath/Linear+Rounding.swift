extension Linear {
  /// The same weights row by row, rounded to bfloat16, in memory from `arena`.
  ///
  /// - Parameter consumed: told, on the caller's thread and some MB at a time, which bytes of these
  ///   weights have been read.
  /// - Precondition: these are f32 and lie in place.
  package func rounded(
    arena: WeightArena, pool: WorkerPool, consumed: (Range<Int>) -> Void
  ) -> Linear {
    guard let (base, element, _) = unsafe inPlace, element == .f32 else {
      preconditionFailure("only f32 weights in place are rounded")
    }
    let count = outFeatures * inFeatures
    let (memory, owner) = unsafe arena.take(2 * count)
    let work = unsafe RoundWork(
      source: base.assumingMemoryBound(to: UInt32.self),
      target: memory.bindMemory(to: UInt16.self, capacity: count), count: count,
      columns: inFeatures)
    unsafe RowBands(rows: outFeatures, bytesPerRow: 4 * inFeatures).run(
      work, rowsPerTask: RoundWork.rows, on: pool, consumed: consumed)
    return unsafe Linear(
      base: UnsafeRawPointer(memory), element: .bf16, outFeatures: outFeatures,
      inFeatures: inFeatures, owner: owner)
  }
}

/// Rounds f32 to the nearest bfloat16, ties to even, some rows a task.
@unsafe
private struct RoundWork: BandWork {
  static let rows = 64

  let source: UnsafePointer<UInt32>
  let target: UnsafeMutablePointer<UInt16>
  let count: Int
  let columns: Int
  var first = 0

  func perform(_ index: Int) {
    let start = unsafe (first + index) * Self.rows * columns
    for at in start..<(unsafe min(start + Self.rows * columns, count)) {
      let bits = unsafe source[at]
      // A NaN must not round up to infinity.
      let isNaN = bits & 0x7fff_ffff > 0x7f80_0000
      let rounded = isNaN ? bits | 0x40_0000 : bits &+ 0x7fff &+ (bits >> 16 & 1)
      unsafe target[at] = UInt16(truncatingIfNeeded: rounded >> 16)
    }
  }
}
