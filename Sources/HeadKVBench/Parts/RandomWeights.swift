import HeadKVMath

/// Matrices of small random numbers, for timing products.
struct RandomWeights {
  /// nil leaves f32 in place.
  let packing: Packing?
  let pool: WorkerPool
  private let arena = WeightArena()

  init(_ packing: Packing?, pool: WorkerPool) {
    self.packing = packing
    self.pool = pool
  }

  /// A matrix [outFeatures, inFeatures].
  func matrix(_ outFeatures: Int, _ inFeatures: Int) -> Linear {
    guard let packing else { return plain(outFeatures, inFeatures, arena) }
    // The unpacked matrix lives no longer than this.
    return plain(outFeatures, inFeatures, WeightArena(blockSize: 1 << 12))
      .packed(packing, arena: arena, pool: pool)
  }

  private func plain(_ outFeatures: Int, _ inFeatures: Int, _ arena: WeightArena) -> Linear {
    let count = outFeatures * inFeatures
    let (memory, owner) = unsafe arena.take(4 * count)
    let base = unsafe memory.bindMemory(to: Float.self, capacity: count)
    unsafe pool.run(
      tasks: outFeatures, RandomFill(base: base, count: inFeatures))
    return unsafe Linear(
      base: UnsafeRawPointer(memory), element: .f32, outFeatures: outFeatures,
      inFeatures: inFeatures, owner: owner)
  }
}

/// Fills rows of `count` numbers in -0.05..<0.05.
@unsafe
struct RandomFill: ParallelWork {
  let base: UnsafeMutablePointer<Float>
  let count: Int

  func perform(_ row: Int) {
    var state = UInt32(truncatingIfNeeded: row &* 2_654_435_761) | 1
    for index in unsafe row * count..<(row + 1) * count {
      state ^= state << 13
      state ^= state >> 17
      state ^= state << 5
      unsafe base[index] = Float(state >> 8) * 0x1p-24 * 0.1 - 0.05
    }
  }
}
