internal import CHeadKVKernels

/// Cached rows [rows, dim] of some element type; the stride counts elements.
@unsafe
package struct AttentionRows {
  let element: RowElement
  let base: UnsafeRawPointer
  let stride: Int
  /// One for each row, of bytes only: row r is `scales[r]` times its bytes.
  let scales: UnsafePointer<Float>?

  /// - Precondition: bytes, and they alone, have scales.
  package init(
    _ element: RowElement, _ base: UnsafeRawPointer, stride: Int,
    scales: UnsafePointer<Float>? = nil
  ) {
    precondition((unsafe scales != nil) == element.isScaled, "bytes, and they alone, have scales")
    unsafe self.element = element
    unsafe self.base = base
    unsafe self.stride = stride
    unsafe self.scales = scales
  }
}

extension Kernels {
  /// One query over `rows` keys and values of any element type, the same one for both:
  /// weights = softmax(scale K q + bias), out = weights V.
  ///
  /// `weights` takes `rows` floats, `out` `dim`.
  package static func attend(
    query: UnsafePointer<Float>, keys: AttentionRows, values: AttentionRows,
    bias: UnsafePointer<Float>? = nil, rows: Int, dim: Int, scale: Float,
    weights: UnsafeMutablePointer<Float>, out: UnsafeMutablePointer<Float>
  ) {
    precondition(rows >= 1 && dim >= 0, "attention needs at least one row")
    unsafe precondition(keys.element == values.element, "keys and values are of one type")
    switch unsafe keys.element {
    case .f32:
      unsafe hkv_attend_f32(
        query, keys.base.assumingMemoryBound(to: Float.self), keys.stride,
        values.base.assumingMemoryBound(to: Float.self), values.stride, bias, rows, dim, scale,
        weights, out)
    case .bf16:
      unsafe hkv_attend_bf16(
        query, keys.base.assumingMemoryBound(to: UInt16.self), keys.stride,
        values.base.assumingMemoryBound(to: UInt16.self), values.stride, bias, rows, dim, scale,
        weights, out)
    case .f16:
      unsafe hkv_attend_f16(
        query, keys.base.assumingMemoryBound(to: UInt16.self), keys.stride,
        values.base.assumingMemoryBound(to: UInt16.self), values.stride, bias, rows, dim, scale,
        weights, out)
    case .int8:
      unsafe hkv_attend_i8(
        query, keys.base.assumingMemoryBound(to: Int8.self), keys.stride, keys.scales,
        values.base.assumingMemoryBound(to: Int8.self), values.stride, values.scales, bias, rows,
        dim, scale, weights, out)
    }
  }

  /// What merging row `row` with each of some others costs: (ci cr / (ci + cr))^2 |k_i - k_r|^2
  /// |v_i - v_r|^2 with c = exp(bias), one for each row of `others`, which are in range. `costs` takes
  /// as many; what it holds is kept as a summand if `adds`.
  package static func mergeCosts(
    keys: AttentionRows, values: AttentionRows, biases: UnsafePointer<Float>, row: Int,
    others: UnsafeBufferPointer<Int32>, dim: Int, adds: Bool = false,
    into costs: UnsafeMutablePointer<Float>
  ) {
    precondition(row >= 0 && dim >= 0, "no such row")
    unsafe precondition(
      keys.element == values.element && keys.stride == values.stride,
      "keys and values are of one type")
    guard let list = others.baseAddress else { return }
    unsafe hkv_merge_costs(
      keys.element.code, keys.base, keys.scales, values.base, values.scales, keys.stride, biases,
      row, list, others.count, dim, adds ? UnsafePointer(costs) : nil, costs)
  }

  /// Lists the rows from `first` on that were born in `born`, in their order and without `row`, in
  /// memory that takes `rows` numbers.
  package static func list(
    births: UnsafePointer<Int32>, born: Range<Int32>, without row: Int, first: Int, rows: Int,
    into list: UnsafeMutablePointer<Int32>
  ) -> UnsafeBufferPointer<Int32> {
    precondition(first >= 0 && first <= rows && rows <= Int(Int32.max), "no such rows")
    let count = unsafe hkv_list_born(
      births, born.lowerBound, born.upperBound, row, first, rows, list)
    return unsafe UnsafeBufferPointer(start: list, count: count)
  }
}
