/// The counter-based random generator Philox4x32-10 (Salmon et al., "Parallel Random Numbers: As
/// Easy as 1, 2, 3", SC 2011).
///
/// A draw is a pure function of key and counter, so no draw depends on which were made before. A
/// picture's key is its seed, the counter is the index of the token in drawing order.
public struct Philox: Sendable, Hashable {
  public let key: UInt64

  public init(key: UInt64) { self.key = key }

  /// The four 32-bit words of block `counter`.
  public func block(_ counter: SIMD4<UInt32>) -> SIMD4<UInt32> {
    var x = counter
    var k0 = UInt32(truncatingIfNeeded: key)
    var k1 = UInt32(truncatingIfNeeded: key >> 32)
    for _ in 0..<10 {
      let a = UInt64(0xD251_1F53) * UInt64(x[0])
      let b = UInt64(0xCD9E_8D57) * UInt64(x[2])
      x = SIMD4(
        UInt32(truncatingIfNeeded: b >> 32) ^ x[1] ^ k0, UInt32(truncatingIfNeeded: b),
        UInt32(truncatingIfNeeded: a >> 32) ^ x[3] ^ k1, UInt32(truncatingIfNeeded: a))
      k0 &+= 0x9E37_79B9
      k1 &+= 0xBB67_AE85
    }
    return x
  }

  /// The number of the `index`-th token: uniform in [0, 1), 53 bits.
  public func uniform(_ index: Int) -> Double {
    let counter = UInt64(index)
    let words = block(
      SIMD4(UInt32(truncatingIfNeeded: counter), UInt32(truncatingIfNeeded: counter >> 32), 0, 0))
    let bits = UInt64(words[1]) << 32 | UInt64(words[0])
    return Double(bits >> 11) * 0x1p-53
  }
}
