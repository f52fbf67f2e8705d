internal import HeadKVFiles
import HeadKVWeights

/// Read-only f32 values that several threads read.
@safe
final class FloatStorage: @unchecked Sendable {
  let count: Int
  let base: UnsafePointer<Float>
  /// What keeps the memory alive; nil if it is this object's.
  let owner: AnyObject?

  init(_ values: [Float]) {
    count = values.count
    let memory = unsafe Self.memory(count)
    for (index, value) in values.enumerated() { unsafe memory[index] = value }
    unsafe base = UnsafePointer(memory)
    owner = nil
  }

  /// A copy of a tensor's elements.
  init(_ tensor: StoredTensor) throws(ModelError) {
    count = tensor.info.elementCount
    let memory = unsafe Self.memory(count)
    unsafe base = UnsafePointer(memory)
    owner = nil
    do { unsafe try tensor.copyFloats(into: memory) } catch { throw .weights(error) }
    tensor.forgetPages()
  }

  /// A view of memory that `owner` keeps alive.
  init(_ base: UnsafePointer<Float>, count: Int, owner: AnyObject) {
    self.count = count
    unsafe self.base = base
    self.owner = owner
  }

  deinit {
    if owner == nil { unsafe CheckedMemory.free(UnsafeMutablePointer(mutating: base)) }
  }

  private static func memory(_ count: Int) -> UnsafeMutablePointer<Float> {
    unsafe CheckedMemory.allocate(byteCount: 4 * count, alignment: 64)
      .bindMemory(to: Float.self, capacity: count)
  }
}
