import HeadKVMath

extension LayerCache {
  /// Keys of the live rows where they lie, `[count, headDimension]`, by slot.
  ///
  /// - Precondition: the cache's element type is f32; ``copyKey(head:slot:into:)`` reads any.
  public func withKeys<R, E: Error>(
    head: Int, _ body: (Span<Float>) throws(E) -> R
  ) throws(E) -> R {
    let rows = unsafe rows(head)
    return try unsafe rows.keys.withFloats(count: rows.count, body)
  }

  /// Values of the live rows where they lie, `[count, headDimension]`, by slot.
  ///
  /// - Precondition: the cache's element type is f32; ``copyValue(head:slot:into:)`` reads any.
  public func withValues<R, E: Error>(
    head: Int, _ body: (Span<Float>) throws(E) -> R
  ) throws(E) -> R {
    let rows = unsafe rows(head)
    return try unsafe rows.values.withFloats(count: rows.count, body)
  }

  /// The key that the row in `slot` stands for, whatever its element type.
  ///
  /// - Precondition: the slot is live; `key` has `headDimension` elements.
  public func copyKey(head: Int, slot: Int, into key: inout MutableSpan<Float>) {
    unsafe copy(rows(head).keys, head, slot, &key)
  }

  /// The value that the row in `slot` stands for, whatever its element type.
  ///
  /// - Precondition: the slot is live; `value` has `headDimension` elements.
  public func copyValue(head: Int, slot: Int, into value: inout MutableSpan<Float>) {
    unsafe copy(rows(head).values, head, slot, &value)
  }

  private func copy(
    _ rows: StoredRows, _ head: Int, _ slot: Int, _ out: inout MutableSpan<Float>
  ) {
    precondition(slot >= 0 && slot < count(head: head), "no live row in that slot")
    precondition(out.count == headDimension, "wrong row width")
    unsafe out.withUnsafeMutableBufferPointer { unsafe rows.load(slot, into: $0.baseAddress!) }
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
    unsafe rows(head).row(slot)
  }

  /// Calls `body` with the head as an ``EvictionRule`` sees it, after attention has given its rows
  /// the softmax weights `[queries, count]`.
  ///
  /// - Precondition: `weights` has a whole number of queries.
  public mutating func withView<R, E: Error>(
    head: Int, weights: Span<Float>, _ body: (HeadView) throws(E) -> R
  ) throws(E) -> R {
    let rows = unsafe rows(head)
    let count = unsafe rows.count
    precondition(
      count > 0 ? weights.count % count == 0 : weights.count == 0, "weights [queries, count]")
    let queries = count > 0 ? weights.count / count : 0
    return try unsafe weights.withUnsafeBufferPointer { weights throws(E) in
      try body(unsafe HeadView(rows, weights: weights.baseAddress, queries: queries))
    }
  }
}
