internal import CHeadKVKernels

/// Short loops over single rows of `count` numbers.
@unsafe
package enum VectorOperations {
  /// Sum of x y.
  @inline(__always)
  package static func dot(
    _ x: UnsafePointer<Float>, _ y: UnsafePointer<Float>, _ count: Int
  ) -> Float {
    unsafe hkv_dot_rows(Int32(HKV_F32), x, y, count)
  }

  /// Sum of (x - y)^2.
  @inline(__always)
  package static func squaredDistance(
    _ x: UnsafePointer<Float>, _ y: UnsafePointer<Float>, _ count: Int
  ) -> Float {
    unsafe hkv_squared_distance(x, y, count)
  }

  /// y += a x.
  @inline(__always)
  package static func add(
    _ a: Float, _ x: UnsafePointer<Float>, to y: UnsafeMutablePointer<Float>, _ count: Int
  ) {
    unsafe hkv_add_scaled(a, x, y, count)
  }

  /// merged += a sum + b value, then sum += c value.
  @inline(__always)
  package static func regroup(
    _ merged: UnsafeMutablePointer<Float>, _ sum: UnsafeMutablePointer<Float>,
    adding value: UnsafePointer<Float>, a: Float, b: Float, c: Float, _ count: Int
  ) {
    unsafe hkv_regroup(merged, sum, value, a, b, c, count)
  }

  /// |a (total - old + b merged) - c (total + d old)|^2: the difference of two weighted outputs.
  @inline(__always)
  package static func outputError(
    total: UnsafePointer<Float>, merged: UnsafePointer<Float>, old: UnsafePointer<Float>,
    a: Float, b: Float, c: Float, d: Float, _ count: Int
  ) -> Float {
    unsafe hkv_output_error(total, merged, old, a, b, c, d, count)
  }
}
