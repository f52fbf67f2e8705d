internal import CHeadKVKernels

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// SHA-256 (FIPS 180-4) of bytes that come piece by piece.
package struct SHA256 {
  private var state: [UInt32] = [
    0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab,
    0x5be0_cd19,
  ]
  /// Bytes that do not fill a block yet.
  private var rest: [UInt8] = []
  private var count: UInt64 = 0
  private let usesInstructions: Bool

  /// - Parameter usesInstructions: whether the processor's instructions for it are used, if it has
  ///   some; without them it goes by the definition.
  package init(usesInstructions: Bool = true) { self.usesInstructions = usesInstructions }

  /// The digest of `bytes`, as 64 hexadecimal digits.
  package static func digest(_ bytes: UnsafeRawBufferPointer) -> String {
    var hash = SHA256()
    unsafe hash.update(bytes)
    return hash.finished()
  }

  /// The digest of a file.
  ///
  /// - Throws: ``FileError``.
  package static func digest(ofFile path: String) throws(FileError) -> String {
    let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw FileError(path: path, call: "open") }
    defer { close(descriptor) }
    var hash = SHA256()
    let size = 1 << 20
    let piece = UnsafeMutableRawPointer.allocate(byteCount: size, alignment: 64)
    defer { unsafe piece.deallocate() }
    while true {
      let found = unsafe read(descriptor, piece, size)
      if found < 0 && errno == EINTR { continue }
      guard found >= 0 else { throw FileError(path: path, call: "read") }
      if found == 0 { return hash.finished() }
      unsafe hash.update(UnsafeRawBufferPointer(start: piece, count: found))
    }
  }

  package mutating func update(_ bytes: UnsafeRawBufferPointer) {
    count += UInt64(bytes.count)
    var at = 0
    if !rest.isEmpty {
      at = min(64 - rest.count, bytes.count)
      unsafe rest.append(contentsOf: bytes[..<at])
      guard rest.count == 64 else { return }
      let block = rest
      unsafe block.withUnsafeBytes { unsafe compress($0) }
      rest.removeAll(keepingCapacity: true)
    }
    let whole = (bytes.count - at) / 64 * 64
    unsafe compress(UnsafeRawBufferPointer(rebasing: bytes[at..<at + whole]))
    unsafe rest.append(contentsOf: bytes[(at + whole)...])
  }

  /// The digest of all bytes so far.
  package func finished() -> String {
    var hash = self
    let bits = count &* 8
    let zeros = (119 - Int(count % 64)) % 64
    let tail =
      [0x80] + [UInt8](repeating: 0, count: zeros)
      + (0..<8).map { UInt8(truncatingIfNeeded: bits >> UInt64(56 - 8 * $0)) }
    unsafe tail.withUnsafeBytes { unsafe hash.update($0) }
    return hash.state.map { word in
      let digits = String(word, radix: 16)
      return String(repeating: "0", count: 8 - digits.count) + digits
    }.joined()
  }

  /// Takes in whole blocks of 64 bytes.
  private mutating func compress(_ blocks: UnsafeRawBufferPointer) {
    guard blocks.count > 0 else { return }
    let isDone = unsafe usesInstructions && state.withUnsafeMutableBufferPointer { state in
      unsafe hkv_sha256_blocks(
        state.baseAddress, blocks.baseAddress?.assumingMemoryBound(to: UInt8.self),
        blocks.count / 64) != 0
    }
    if !isDone { unsafe compressPortably(blocks) }
  }

  /// The same by the definition, for processors without instructions for it.
  private mutating func compressPortably(_ blocks: UnsafeRawBufferPointer) {
    unsafe withUnsafeTemporaryAllocation(of: UInt32.self, capacity: 64) { w in
      unsafe Self.constants.withUnsafeBufferPointer { k in
        for start in stride(from: 0, to: blocks.count, by: 64) {
          for index in 0..<16 {
            unsafe w[index] = UInt32(
              bigEndian: blocks.loadUnaligned(fromByteOffset: start + 4 * index, as: UInt32.self))
          }
          for index in 16..<64 {
            let (old, recent) = unsafe (w[index - 15], w[index - 2])
            let first = Self.turn(old, 7) ^ Self.turn(old, 18) ^ (old &>> 3)
            let second = Self.turn(recent, 17) ^ Self.turn(recent, 19) ^ (recent &>> 10)
            unsafe w[index] = w[index - 16] &+ first &+ w[index - 7] &+ second
          }
          var (a, b, c, d) = (state[0], state[1], state[2], state[3])
          var (e, f, g, h) = (state[4], state[5], state[6], state[7])
          for index in 0..<64 {
            let mixed = Self.turn(e, 6) ^ Self.turn(e, 11) ^ Self.turn(e, 25)
            let chosen = (e & f) ^ (~e & g)
            let one = unsafe h &+ mixed &+ chosen &+ k[index] &+ w[index]
            let two =
              (Self.turn(a, 2) ^ Self.turn(a, 13) ^ Self.turn(a, 22))
              &+ ((a & b) ^ (a & c) ^ (b & c))
            (h, g, f, e) = (g, f, e, d &+ one)
            (d, c, b, a) = (c, b, a, one &+ two)
          }
          state[0] &+= a
          state[1] &+= b
          state[2] &+= c
          state[3] &+= d
          state[4] &+= e
          state[5] &+= f
          state[6] &+= g
          state[7] &+= h
        }
      }
    }
  }

  @inline(__always)
  private static func turn(_ x: UInt32, _ bits: UInt32) -> UInt32 {
    (x &>> bits) | (x &<< (32 &- bits))
  }

  private static let constants: [UInt32] = [
    0x428a_2f98, 0x7137_4491, 0xb5c0_fbcf, 0xe9b5_dba5, 0x3956_c25b, 0x59f1_11f1, 0x923f_82a4,
    0xab1c_5ed5, 0xd807_aa98, 0x1283_5b01, 0x2431_85be, 0x550c_7dc3, 0x72be_5d74, 0x80de_b1fe,
    0x9bdc_06a7, 0xc19b_f174, 0xe49b_69c1, 0xefbe_4786, 0x0fc1_9dc6, 0x240c_a1cc, 0x2de9_2c6f,
    0x4a74_84aa, 0x5cb0_a9dc, 0x76f9_88da, 0x983e_5152, 0xa831_c66d, 0xb003_27c8, 0xbf59_7fc7,
    0xc6e0_0bf3, 0xd5a7_9147, 0x06ca_6351, 0x1429_2967, 0x27b7_0a85, 0x2e1b_2138, 0x4d2c_6dfc,
    0x5338_0d13, 0x650a_7354, 0x766a_0abb, 0x81c2_c92e, 0x9272_2c85, 0xa2bf_e8a1, 0xa81a_664b,
    0xc24b_8b70, 0xc76c_51a3, 0xd192_e819, 0xd699_0624, 0xf40e_3585, 0x106a_a070, 0x19a4_c116,
    0x1e37_6c08, 0x2748_774c, 0x34b0_bcb5, 0x391c_0cb3, 0x4ed8_aa4a, 0x5b9c_ca4f, 0x682e_6ff3,
    0x748f_82ee, 0x78a5_636f, 0x84c8_7814, 0x8cc7_0208, 0x90be_fffa, 0xa450_6ceb, 0xbef9_a3f7,
    0xc671_78f2,
  ]
}
