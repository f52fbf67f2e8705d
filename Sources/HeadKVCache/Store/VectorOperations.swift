/// Short loops over one row each, eight elements at a time.
enum VectorOperations {
  @inline(__always)
  private static func load(_ x: UnsafePointer<Float>, _ index: Int) -> SIMD8<Float> {
    unsafe UnsafeRawPointer(x + index).loadUnaligned(as: SIMD8<Float>.self)
  }

  @inline(__always)
  private static func store(_ value: SIMD8<Float>, _ x: UnsafeMutablePointer<Float>, _ index: Int) {
    unsafe UnsafeMutableRawPointer(x + index).storeBytes(of: value, as: SIMD8<Float>.self)
  }

  /// Sum of x y.
  @inline(__always)
  static func dot(_ x: UnsafePointer<Float>, _ y: UnsafePointer<Float>, _ count: Int) -> Float {
    var lanes = SIMD8<Float>.zero
    var index = 0
    while index + 8 <= count {
      lanes += unsafe load(x, index) * load(y, index)
      index += 8
    }
    var sum = lanes.sum()
    while index < count {
      sum += unsafe x[index] * y[index]
      index += 1
    }
    return sum
  }

  /// Sum of (x - y)^2.
  @inline(__always)
  static func squaredDistance(
    _ x: UnsafePointer<Float>, _ y: UnsafePointer<Float>, _ count: Int
  ) -> Float {
    var lanes = SIMD8<Float>.zero
    var index = 0
    while index + 8 <= count {
      let difference = unsafe load(x, index) - load(y, index)
      lanes += difference * difference
      index += 8
    }
    var sum = lanes.sum()
    while index < count {
      let difference = unsafe x[index] - y[index]
      sum += difference * difference
      index += 1
    }
    return sum
  }

  /// y += a x.
  @inline(__always)
  static func add(
    _ a: Float, _ x: UnsafePointer<Float>, to y: UnsafeMutablePointer<Float>, _ count: Int
  ) {
    var index = 0
    while index + 8 <= count {
      unsafe store(load(y, index) + a * load(x, index), y, index)
      index += 8
    }
    while index < count {
      unsafe y[index] += a * x[index]
      index += 1
    }
  }

  /// Sum of (a (t + b p) - c (t + d s))^2: the difference of two weighted outputs.
  @inline(__always)
  static func squaredError(
    total t: UnsafePointer<Float>, _ p: UnsafePointer<Float>, _ s: UnsafePointer<Float>, a: Float,
    b: Float, c: Float, d: Float, _ count: Int
  ) -> Float {
    var lanes = SIMD8<Float>.zero
    var index = 0
    while index + 8 <= count {
      let (total, sum) = unsafe (load(t, index), load(s, index))
      let error = a * (total - sum + b * (unsafe load(p, index))) - c * (total + d * sum)
      lanes += error * error
      index += 8
    }
    var sum = lanes.sum()
    while index < count {
      let error =
        unsafe a * (t[index] - s[index] + b * p[index]) - c * (t[index] + d * s[index])
      sum += error * error
      index += 1
    }
    return sum
  }
}
