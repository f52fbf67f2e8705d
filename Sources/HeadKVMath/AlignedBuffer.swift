internal import HeadKVFiles

/// Uniquely owned, fixed-size memory whose first element lies on a 64-byte boundary.
///
/// The size never changes after `init`, so code that holds one allocates nothing later.
@safe
package struct AlignedBuffer<Element: BitwiseCopyable>: ~Copyable, @unchecked Sendable {
  /// Cache-line and widest-vector alignment.
  package static var alignment: Int { 64 }

  package let count: Int
  /// First element; valid while the buffer lives.
  package let base: UnsafeMutablePointer<Element>

  /// Allocates `count` elements and sets each to `value`.
  ///
  /// - Precondition: `count >= 0`.
  package init(count: Int, repeating value: Element) {
    precondition(count >= 0, "negative buffer size")
    self.count = count
    let raw = unsafe CheckedMemory.allocate(
      byteCount: count * MemoryLayout<Element>.stride, alignment: Self.alignment)
    // Numbers one by one would be copied by a call each, as this is compiled for any type.
    let isZero = unsafe withUnsafeBytes(of: value) { unsafe $0.allSatisfy { $0 == 0 } }
    if isZero {
      unsafe raw.initializeMemory(
        as: UInt8.self, repeating: 0, count: count * MemoryLayout<Element>.stride)
    }
    unsafe base = raw.bindMemory(to: Element.self, capacity: count)
    if !isZero { unsafe base.initialize(repeating: value, count: count) }
  }

  deinit { unsafe CheckedMemory.free(base) }

  package var byteCount: Int { count * MemoryLayout<Element>.stride }
}

extension AlignedBuffer where Element == Float {
  /// A row-major view of `rows` x `columns` elements that start at `offset`.
  package func matrix(rows: Int, columns: Int, offset: Int = 0) -> FloatMatrix {
    precondition(offset >= 0 && offset + rows * columns <= count, "view outside its buffer")
    return unsafe FloatMatrix(base: base + offset, rows: rows, columns: columns, stride: columns)
  }
}
