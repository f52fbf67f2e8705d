import HeadKVMath

/// A row that has been stored, and the room that its stores may not leave.
package struct StoredRow {
  package let element: RowElement
  package let count: Int
  package var bytes: [UInt8]
  package var scale: Float = 1

  package init(_ values: [Float], _ element: RowElement) {
    self.element = element
    count = values.count
    bytes = Array(repeating: 0xa5, count: (count + 3) * element.byteCount)
    scale = unsafe bytes.withUnsafeMutableBytes {
      unsafe element.store(values, count: values.count, into: $0.baseAddress!)
    }
  }

  package var values: [Float] {
    var out = [Float](repeating: .nan, count: count)
    unsafe bytes.withUnsafeBytes {
      unsafe element.load($0.baseAddress!, scale: scale, count: count, into: &out)
    }
    return out
  }

  package var isWithinItsRoom: Bool {
    bytes[(count * element.byteCount)...].allSatisfy { $0 == 0xa5 }
  }
}
