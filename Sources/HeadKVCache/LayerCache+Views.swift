import HeadKVMath

extension LayerCache {
  /// Keys of the live rows, `[count, headDimension]`, by slot.
  public func withKeys<R, E: Error>(
    head: Int, _ body: (Span<Float>) throws(E) -> R
  ) throws(E) -> R {
    let rows = unsafe rows(head)
    return try body(
      unsafe Span(_unsafeStart: UnsafePointer(rows.keys), count: rows.count * rows.stride))
  }

  /// Values of the live rows, `[count, headDimension]`, by slot.
  public func withValues<R, E: Error>(
    head: Int, _ body: (Span<Float>) throws(E) -> R
  ) throws(E) -> R {
    let rows = unsafe rows(head)
    return try body(
      unsafe Span(_unsafeStart: UnsafePointer(rows.values), count: rows.count * rows.stride))
  }

  /// Grid positions of the live rows, by slot; negative for prefix rows.
  public func withPositions<R, E: Error>(
    head: Int, _ body: (Span<Int32>) throws(E) -> R
  ) throws(E) -> R {
    let rows = unsafe rows(head)
    return try body(unsafe Span(_unsafeStart: UnsafePointer(rows.positions), count: rows.count))
  }

  /// Scores of the live rows, by slot, for a policy that keeps running sums.
  public mutating func withMutableScores<R, E: Error>(
    head: Int, _ body: (inout MutableSpan<Float>) throws(E) -> R
  ) throws(E) -> R {
    let rows = unsafe rows(head)
    var span = unsafe MutableSpan(_unsafeStart: rows.scores, count: rows.count)
    return try body(&span)
  }

  /// What is remembered of the row in `slot`.
  ///
  /// - Precondition: the slot is live.
  public func row(head: Int, slot: Int) -> CacheRow {
    let rows = unsafe rows(head)
    unsafe precondition(slot >= 0 && slot < rows.count, "no live row in that slot")
    return unsafe CacheRow(
      position: rows.positions[slot], birth: rows.births[slot], bias: rows.biases[slot])
  }
}
