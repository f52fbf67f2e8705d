import HeadKVMath

/// Weights of one element type, with the values they widen to.
package final class Weights {
  package let linear: Linear
  package let values: [Float]

  package init(_ element: WeightElement, outFeatures: Int, inFeatures: Int, seed: Int) {
    var numbers = Numbers(seed)
    let source = numbers.list(outFeatures * inFeatures)
    let memory = UnsafeMutableRawPointer.allocate(
      byteCount: max(source.count, 1) * 4, alignment: 64)
    var values = source
    for (index, value) in source.enumerated() {
      switch element {
      case .f32: unsafe memory.storeBytes(of: value, toByteOffset: 4 * index, as: Float.self)
      case .bf16:
        let bits = UInt16(value.bitPattern >> 16)
        unsafe memory.storeBytes(of: bits, toByteOffset: 2 * index, as: UInt16.self)
        values[index] = Float(bitPattern: UInt32(bits) << 16)
      case .f16:
        let half = Float16(value)
        unsafe memory.storeBytes(of: half, toByteOffset: 2 * index, as: Float16.self)
        values[index] = Float(half)
      }
    }
    self.values = values
    linear = unsafe Linear(
      base: memory, element: element, outFeatures: outFeatures, inFeatures: inFeatures,
      owner: Memory(memory))
  }
}

/// Frees what it was given when nobody needs it any more.
@safe
package final class Memory {
  private let raw: UnsafeMutableRawPointer
  package init(_ raw: UnsafeMutableRawPointer) { unsafe self.raw = unsafe raw }
  deinit { unsafe raw.deallocate() }
}
