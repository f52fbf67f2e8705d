/// Name, type, shape and place of a tensor; no data.
public struct TensorInfo: Sendable, Hashable {
  public let name: String
  public let dtype: DType
  public let shape: [Int]
  /// Elements from one index to the next, for each dimension.
  public let strides: [Int]
  public let file: String
  /// Byte of the file at which the first element lies.
  public let offset: Int
  public let elementCount: Int

  public var byteCount: Int { elementCount * dtype.byteCount }
  public var isContiguous: Bool { strides == Self.contiguousStrides(shape) || elementCount == 0 }

  static func contiguousStrides(_ shape: [Int]) -> [Int] {
    var strides = [Int](repeating: 1, count: shape.count)
    for axis in stride(from: shape.count - 2, through: 0, by: -1) {
      strides[axis] = strides[axis + 1].multipliedReportingOverflow(by: max(shape[axis + 1], 1))
        .partialValue
    }
    return strides
  }

  /// The product of a shape, nil if it does not fit an `Int`.
  static func product(_ shape: [Int]) -> Int? {
    var result = 1
    for size in shape {
      guard size >= 0 else { return nil }
      let (value, overflow) = result.multipliedReportingOverflow(by: size)
      if overflow { return nil }
      result = value
    }
    return result
  }
}
