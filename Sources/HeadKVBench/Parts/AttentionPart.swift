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
  private let memoryBytes: Int
  private let owner: WeightArena.Block
  private let scales: AlignedBuffer<Float>
  private let scratch: AlignedBuffer<Float>
  private let pool: WorkerPool

  init(
    _ preset: GPTPreset, batch: Int, rows: Int, grid: Int, element: CacheElement,
    pool: WorkerPool, bytes: Int = 512 << 20
  ) {
    var label = PartLabel("attention", unit: "step")
    label.set(preset, nil, batch)
    label.rows = rows
    label.grid = grid
    label.element = element.rawValue
    self.label = label
    self.pool = pool
    layers = preset.layers
    heads = 2 * batch * preset.heads
    let size = preset.dimension / preset.heads
    let perHead = 2 * rows * size * element.byteCount
    copies = max(1, bytes / (heads * perHead * layers))
    memoryBytes = copies * layers * heads * perHead
    // In huge pages, as a cache is.
    let (memory, owner) = unsafe WeightArena(blockSize: memoryBytes).take(memoryBytes)
    self.owner = owner
    let base = unsafe memory.bindMemory(to: UInt8.self, capacity: memoryBytes)
    scales = AlignedBuffer(count: rows, repeating: 0.01)
    unsafe pool.run(
      tasks: copies * layers * heads,
      RowFill(element: element.row, base: base, rows: 2 * rows, size: size))
    // A query, the weights and the output of each head.
    let room = (2 * size + rows + 15) / 16 * 16
    scratch = AlignedBuffer(count: heads * room, repeating: 0.5)
    unsafe work = AttentionPartWork(
      element: element.row, rows: rows, size: size, room: room, memory: base,
      scales: scales.base, scratch: scratch.base)
  }

  /// Scales of bytes are read from a cache.
  var bytesPerUnit: Int? { memoryBytes / copies }

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
  let element: RowElement
  let rows: Int
  let size: Int
  let room: Int
  var memory: UnsafeMutablePointer<UInt8>
  let scales: UnsafeMutablePointer<Float>
  let scratch: UnsafeMutablePointer<Float>

  func layer(_ index: Int, heads: Int) -> AttentionPartWork {
    var copy = self
    unsafe copy.memory = memory + index * heads * rows * size * 2 * element.byteCount
    return copy
  }

  func perform(_ head: Int) {
    let bytes = rows * size * element.byteCount
    let keys = unsafe memory + head * 2 * bytes
    func run(_ base: UnsafeMutablePointer<UInt8>) -> AttentionRows {
      unsafe AttentionRows(
        element, base, stride: size, scales: element.isScaled ? UnsafePointer(scales) : nil)
    }
    let query = unsafe scratch + head * room
    unsafe Kernels.attend(
      query: query, keys: run(keys), values: run(keys + bytes), rows: rows, dim: size, scale: 1 / Float(size).squareRoot(), weights: query + 2 * size,
      out: query + size)
  }
}

/// Random rows, the same for every head, a head a task.
@safe
private struct RowFill: ParallelWork {
  let element: RowElement
  let base: UnsafeMutablePointer<UInt8>
  let rows: Int
  let size: Int

  func perform(_ head: Int) {
    let numbers = AlignedBuffer<Float>(count: rows * size, repeating: 0)
    unsafe RandomFill(base: numbers.base, count: rows * size).perform(0)
    for row in 0..<rows {
      let to = unsafe base + (head * rows + row) * size * element.byteCount
      _ = unsafe element.store(numbers.base + row * size, count: size, into: to)
    }
  }
}
