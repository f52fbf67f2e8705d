import HeadKV
import HeadKVMath

/// Attention of all layers and heads over a number of live rows each, as a step does it.
///
/// Keys and values of all heads, or as many copies as make half a gigabyte, pass the caches by.
final class AttentionPart: BenchPart {
  let label: PartLabel
  private let layers: Int
  private let heads: Int
  private let copies: Int
  private let work: AttentionPartWork
  private let memory: AlignedBuffer<Float>
  private let scratch: AlignedBuffer<Float>
  private let pool: WorkerPool

  init(
    _ preset: GPTPreset, batch: Int, rows: Int, grid: Int, pool: WorkerPool,
    bytes: Int = 512 << 20
  ) {
    var label = PartLabel("attention", unit: "step")
    label.set(preset, nil, batch)
    label.rows = rows
    label.grid = grid
    self.label = label
    self.pool = pool
    layers = preset.layers
    heads = 2 * batch * preset.heads
    let size = preset.dimension / preset.heads
    let perLayer = heads * rows * size * 2
    copies = max(1, bytes / (4 * perLayer * layers))
    memory = AlignedBuffer(count: copies * layers * perLayer, repeating: 0)
    unsafe pool.run(tasks: copies * layers, RandomFill(base: memory.base, count: perLayer))
    // A query, the weights and the output of each head.
    let room = (2 * size + rows + 15) / 16 * 16
    scratch = AlignedBuffer(count: heads * room, repeating: 0.5)
    unsafe work = AttentionPartWork(
      rows: rows, size: size, room: room, memory: memory.base, scratch: scratch.base)
  }

  var bytesPerUnit: Int? { memory.byteCount / copies }

  func run() -> Double {
    let start = ContinuousClock.now
    for layer in 0..<copies * layers {
      pool.run(tasks: heads, work.layer(layer, heads: heads))
    }
    return Statistics.milliseconds(ContinuousClock.now - start) / Double(copies)
  }
}

@safe
private struct AttentionPartWork: ParallelWork {
  let rows: Int
  let size: Int
  let room: Int
  var memory: UnsafeMutablePointer<Float>
  let scratch: UnsafeMutablePointer<Float>

  func layer(_ index: Int, heads: Int) -> AttentionPartWork {
    var copy = self
    unsafe copy.memory = memory + index * heads * rows * size * 2
    return copy
  }

  func perform(_ head: Int) {
    let keys = unsafe memory + head * rows * size * 2
    let query = unsafe scratch + head * room
    unsafe Kernels.attend(
      query: query, keys: keys, keyStride: size, values: keys + rows * size, valueStride: size,
      rows: rows, dim: size, scale: 1 / Float(size).squareRoot(), weights: query + 2 * size,
      out: query + size)
  }
}
