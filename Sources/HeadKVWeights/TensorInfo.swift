/// Where a tensor lies in its file and how its elements are laid out.
public struct TensorInfo: Sendable, Hashable {
  /// The tensor's name in its state dict.
  public let name: String
  /// The type of an element.
  public let dtype: DType
  /// The extent of each dimension, in elements; empty for a scalar.
  public let shape: [Int]
  /// The distance between neighbours along each dimension, in elements.
  public let strides: [Int]
  /// The path of the file that holds the elements.
  public let file: String
  /// The first element's position, in bytes from the start of `file`.
  public let offset: Int
  /// The number of elements the shape describes.
  public let elementCount: Int

  /// The size of all elements, in bytes, when they are laid out without gaps.
  public var byteCount: Int { elementCount * dtype.byteCount }

  /// Whether the elements lie in row-major order without gaps. O(rank).
  public var isContiguous: Bool {
    if elementCount == 0 { return true }
    var expected = 1
    for axis in shape.indices.reversed() where shape[axis] != 1 {
      if strides[axis] != expected { return false }
      expected *= shape[axis]
    }
    return true
  }

  /// The most dimensions a tensor may have.
  static let maximumRank = 64

  /// Nil unless the layout is sound: extents and strides not negative, rank at most 64 and the
  /// byte count representable. Whether it lies inside its file is for the caller to check.
  init?(
    name: String, dtype: DType, shape: [Int], strides: [Int]? = nil, file: String, offset: Int
  ) {
    guard shape.count <= Self.maximumRank, offset >= 0,
      let layout = Self.rowMajor(shape)
    else { return nil }
    if let strides {
      guard strides.count == shape.count, strides.allSatisfy({ $0 >= 0 }) else { return nil }
    }
    if layout.count.multipliedReportingOverflow(by: 8).overflow { return nil }
    self.name = name
    self.dtype = dtype
    self.shape = shape
    self.strides = strides ?? layout.strides
    self.file = file
    self.offset = offset
    self.elementCount = layout.count
  }

  /// Row-major strides and the element count; nil on overflow or a negative extent.
  static func rowMajor(_ shape: [Int]) -> (strides: [Int], count: Int)? {
    var strides = [Int](repeating: 1, count: shape.count)
    var step = 1
    var isEmpty = false
    for axis in shape.indices.reversed() {
      let extent = shape[axis]
      if extent < 0 { return nil }
      if extent == 0 { isEmpty = true }
      strides[axis] = step
      let (product, overflow) = step.multipliedReportingOverflow(by: max(extent, 1))
      if overflow { return nil }
      step = product
    }
    return (strides, isEmpty ? 0 : step)
  }

  /// The distance from the first element to the last, in elements; nil on overflow.
  static func reach(shape: [Int], strides: [Int]) -> Int? {
    var reach = 0
    for (extent, stride) in zip(shape, strides) where extent > 1 {
      let (span, overflow) = (extent - 1).multipliedReportingOverflow(by: stride)
      if overflow { return nil }
      let (sum, overflowed) = reach.addingReportingOverflow(span)
      if overflowed { return nil }
      reach = sum
    }
    return reach
  }
}
