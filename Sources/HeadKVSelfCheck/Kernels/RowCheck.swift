import HeadKVMath

/// Rows as they are stored, against their twins.
package enum RowCheck {
  private static func isSame(_ a: [Float], _ b: [Float]) -> Bool {
    a.map(\.bitPattern) == b.map(\.bitPattern)
  }

  /// Whether `count` numbers of about `size` are rounded to the last bit as the twin says.
  package static func rounds(_ element: RowElement, count: Int, size: Float) -> Bool {
    var numbers = Numbers(count)
    let values = numbers.list(count, scale: size)
    let row = StoredRow(values, element)
    return isSame(row.values, ReferenceRows.rounded(values, element)) && row.isWithinItsRoom
  }

  /// Whether a row moved by `share` towards another is the average in f32, rounded anew, to the
  /// last bit.
  package static func merges(_ element: RowElement, count: Int, share: Float) -> Bool {
    var numbers = Numbers(count + 11)
    var into = StoredRow(numbers.list(count, scale: 3), element)
    let from = StoredRow(numbers.list(count), element)
    let expected = ReferenceRows.merged(into.values, from.values, share: share, element)
    into.scale = unsafe into.bytes.withUnsafeMutableBytes { target in
      unsafe from.bytes.withUnsafeBytes { source in
        unsafe element.merge(
          source.baseAddress!, scale: from.scale, share: share, count: count,
          into: target.baseAddress!, scale: into.scale)
      }
    }
    return isSame(into.values, expected) && into.isWithinItsRoom
  }

  /// The error of the inner product of two rows, in units of its bound.
  package static func dot(_ element: RowElement, count: Int) -> Double {
    var numbers = Numbers(count + 13)
    let a = StoredRow(numbers.list(count), element)
    let b = StoredRow(numbers.list(count), element)
    let found = unsafe a.bytes.withUnsafeBytes { x in
      unsafe b.bytes.withUnsafeBytes { y in
        unsafe a.scale * b.scale * element.dot(x.baseAddress!, y.baseAddress!, count: count)
      }
    }
    let expected = zip(a.values, b.values).reduce(0.0) { $0 + Double($1.0) * Double($1.1) }
    return worstError([found], [expected]) { _ in Double(count + 4) * 0x1p-24 * Double(count) }
  }
}
