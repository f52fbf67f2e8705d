import HeadKVMath

/// Rows of one element type, with gaps between them, and the values that they stand for.
package struct StoredRows {
  private let element: RowElement
  private let stride: Int
  package private(set) var values: [Float] = []
  private var bytes: [UInt8]
  private var scales: [Float] = []

  /// - Parameter source: rows of `dim` values without gaps.
  package init(_ source: [Float], _ dim: Int, _ element: RowElement) {
    self.element = element
    stride = dim + 3
    // All bits set are no number, or -1.
    bytes = Array(repeating: 0xff, count: source.count / dim * stride * element.byteCount)
    for start in Swift.stride(from: 0, to: source.count, by: dim) {
      let row = Array(source[start..<start + dim])
      let offset = start / dim * stride * element.byteCount
      unsafe bytes.withUnsafeMutableBytes {
        unsafe scales.append(element.store(row, count: dim, into: $0.baseAddress! + offset))
      }
      values += ReferenceRows.rounded(row, element)
    }
  }

  package func withRows(_ body: (AttentionRows) -> Void) {
    unsafe bytes.withUnsafeBytes { bytes in
      unsafe scales.withUnsafeBufferPointer { scales in
        unsafe body(
          AttentionRows(
            element, bytes.baseAddress!, stride: stride,
            scales: element.isScaled ? scales.baseAddress! : nil))
      }
    }
  }
}
