extension PackedMatrix {
  /// A convolution's `weight` [outputs, inputs, kernel, kernel] as the matrix
  /// [outputs, kernel * kernel * inputs], in one segment for each row of the kernel.
  convenience init(
    kernel: Int, weight: [Float], inputs: Int, outputs: Int, arena: WeightArena
  ) {
    let taps = kernel * kernel
    let inner = inputs * taps
    let bytes = Packing.f32.byteCount(outFeatures: outputs, inFeatures: inner)
    let (memory, owner) = unsafe arena.take(bytes)
    let panels = unsafe memory.bindMemory(to: Float.self, capacity: bytes / 4)
    unsafe weight.withUnsafeBufferPointer { weight in
      for first in stride(from: 0, to: outputs, by: 16) {
        let panel = first / Packing.panel * Packing.panel
        let width = (min(Packing.panel, outputs - panel) + 15) / 16 * 16
        let to = unsafe panels + panel * inner + first - panel
        let lanes = min(16, outputs - first)
        for input in 0..<inputs {
          for tap in 0..<taps {
            let vector = unsafe to + (tap * inputs + input) * width
            for lane in 0..<lanes {
              unsafe vector[lane] = weight[((first + lane) * inputs + input) * taps + tap]
            }
            for lane in lanes..<16 { unsafe vector[lane] = 0 }
          }
        }
      }
    }
    unsafe self.init(
      packing: .f32, outFeatures: outputs, inFeatures: inner, segments: kernel,
      panels: UnsafeRawPointer(memory), scales: nil, owner: owner)
  }
}
