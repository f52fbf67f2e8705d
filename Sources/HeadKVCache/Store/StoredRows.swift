import HeadKVMath

/// The keys, or the values, of one head as bare memory: rows of one element type.
@unsafe
package struct StoredRows {
  let element: RowElement
  /// Elements of a row; rows follow each other without gaps.
  let dimension: Int
  let base: UnsafeMutableRawPointer
  /// One for each row, of bytes only.
  let scales: UnsafeMutablePointer<Float>?

  private var rowBytes: Int { unsafe dimension * element.byteCount }

  private func row(_ slot: Int) -> UnsafeMutableRawPointer { unsafe base + slot * rowBytes }

  private func scale(_ slot: Int) -> Float { unsafe scales == nil ? 1 : scales![slot] }

  private func setScale(_ slot: Int, _ scale: Float) {
    if let scales = unsafe scales { unsafe scales[slot] = scale }
  }

  func store(_ values: UnsafePointer<Float>, at slot: Int) {
    unsafe setScale(slot, element.store(values, count: dimension, into: row(slot)))
  }

  /// The values that the row in `slot` stands for, `[dimension]`.
  package func load(_ slot: Int, into values: UnsafeMutablePointer<Float>) {
    unsafe element.load(row(slot), scale: scale(slot), count: dimension, into: values)
  }

  /// The values that the rows in `slots` stand for, `[slots, dimension]`.
  func load(_ slots: Range<Int>, into values: UnsafeMutablePointer<Float>) {
    for slot in slots { unsafe load(slot, into: values + (slot - slots.lowerBound) * dimension) }
  }

  func move(from source: Int, to target: Int) {
    unsafe row(target).copyMemory(from: row(source), byteCount: rowBytes)
    unsafe setScale(target, scale(source))
  }

  /// Moves the row `target` by `share` towards the row `source`.
  func merge(_ source: Int, into target: Int, share: Float) {
    unsafe setScale(
      target,
      element.merge(
        row(source), scale: scale(source), share: share, count: dimension, into: row(target),
        scale: scale(target)))
  }

  /// Inner product of two rows.
  func dot(_ a: Int, _ b: Int) -> Float {
    unsafe scale(a) * scale(b) * element.dot(row(a), row(b), count: dimension)
  }

  /// Takes over the first `count` rows of others of the same type and width.
  func copy(from other: StoredRows, count: Int) {
    unsafe base.copyMemory(from: other.base, byteCount: count * rowBytes)
    if let scales = unsafe scales { unsafe scales.update(from: other.scales!, count: count) }
  }

  /// The first `count` rows as they are stored.
  func bytes(count: Int) -> UnsafeRawBufferPointer {
    unsafe UnsafeRawBufferPointer(start: base, count: count * rowBytes)
  }

  /// Takes rows, from the first on, as ``bytes(count:)`` gave them.
  ///
  /// - Precondition: they fit; there is a scale for each if the type has scales, else none.
  func restore(_ stored: ArraySlice<UInt8>, scales restored: ArraySlice<Float>) {
    unsafe stored.withUnsafeBytes { stored in
      if let start = stored.baseAddress {
        unsafe base.copyMemory(from: start, byteCount: stored.count)
      }
    }
    for (slot, scale) in restored.enumerated() { unsafe setScale(slot, scale) }
  }

  var attention: AttentionRows {
    unsafe AttentionRows(element, base, stride: dimension, scales: UnsafePointer(scales))
  }

  /// The rows where they lie.
  ///
  /// - Precondition: they are f32.
  func withFloats<R, E: Error>(
    count: Int, _ body: (Span<Float>) throws(E) -> R
  ) throws(E) -> R {
    unsafe precondition(element == .f32, "only f32 rows can be looked at in place")
    return try body(
      unsafe Span(
        _unsafeStart: UnsafePointer(base.assumingMemoryBound(to: Float.self)),
        count: count * dimension))
  }
}
