/// Repeatable numbers in [-1, 1).
package struct Numbers {
  private var state: UInt64

  package init(_ seed: Int) {
    state = UInt64(seed) &* 2_862_933_555_777_941_757 &+ 3_037_000_493
  }

  package mutating func next() -> Float {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return Float(Int32(truncatingIfNeeded: state >> 32)) / 2_147_483_648
  }

  package mutating func list(_ count: Int, scale: Float = 1) -> [Float] {
    (0..<count).map { _ in next() * scale }
  }
}
