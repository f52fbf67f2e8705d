import HeadKVMath

extension GPT {
  /// A model of random weights, for timing and for tests of size.
  ///
  /// Element `i` of the whole is uniform in -0.05..<0.05, the i-th number of a SplitMix64 stream,
  /// so it does not depend on threads or precision. `element` is the type of weights that stay in
  /// place.
  package static func random(
    _ shape: GPTConfiguration, element: WeightElement = .f32, precision: WeightPrecision = .auto,
    seed: UInt64 = 0, pool: WorkerPool = WorkerPool(threads: 1)
  ) -> GPT {
    var source = RandomWeights(element: element, precision: precision, pool: pool, state: seed)
    let (width, hidden) = (shape.dimension, shape.hidden)
    let layers = (0..<shape.layers).map { _ in
      Layer(
        attentionNorm: .ones(width), queryKeyValue: source.linear(3 * width, width),
        attentionOutput: source.linear(width, width), feedForwardNorm: .ones(width),
        gate: source.linear(hidden, width), up: source.linear(hidden, width),
        down: source.linear(width, hidden))
    }
    let condition: ConditionEmbedding =
      switch shape.conditioning {
      case .classes(let count): .classes(source.vector((count + 1) * width))
      case .captions(let tokens, let features):
        .captions(
          first: source.table(width, features), second: source.table(width, width),
          null: source.vector(tokens * features))
      }
    return GPT(
      configuration: shape, precision: precision, unexpected: [], layers: layers,
      condition: condition, tokenEmbedding: source.table(shape.vocabulary, width),
      norm: .ones(width), output: source.linear(shape.vocabulary, width))
  }
}

extension FloatStorage {
  static func ones(_ count: Int) -> FloatStorage {
    FloatStorage([Float](repeating: 1, count: count))
  }
}

private struct RandomWeights {
  let element: WeightElement
  let precision: WeightPrecision
  let pool: WorkerPool
  let arena = WeightArena()
  var state: UInt64

  init(element: WeightElement, precision: WeightPrecision, pool: WorkerPool, state: UInt64) {
    self.element = element
    self.precision = precision
    self.pool = pool
    self.state = state
  }

  private static func value(_ state: UInt64) -> Float {
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return Float(z >> 40) * 0x1p-24 * 0.1 - 0.05
  }

  private mutating func advance(_ count: Int) -> UInt64 {
    let start = state
    state &+= Self.step &* UInt64(count)
    return start
  }

  private static let step: UInt64 = 0x9E37_79B9_7F4A_7C15

  mutating func vector(_ count: Int) -> FloatStorage {
    let start = advance(count)
    return FloatStorage((0..<count).map { Self.value(start &+ Self.step &* UInt64($0 + 1)) })
  }

  mutating func linear(_ rows: Int, _ columns: Int) -> Linear {
    guard let packing = precision.packing else { return table(rows, columns) }
    // The unpacked matrix lives in an arena of its own, and so no longer than this.
    return table(rows, columns, element: .f32, arena: WeightArena(blockSize: 1 << 12))
      .packed(packing, arena: arena, pool: pool)
  }

  mutating func table(_ rows: Int, _ columns: Int) -> Linear {
    table(rows, columns, element: element, arena: arena)
  }

  private mutating func table(
    _ rows: Int, _ columns: Int, element: WeightElement, arena: WeightArena
  ) -> Linear {
    let start = advance(rows * columns)
    let (memory, owner) = unsafe arena.take(rows * columns * element.byteCount)
    pool.run(tasks: rows) { row in
      for index in row * columns..<(row + 1) * columns {
        let value = Self.value(start &+ Self.step &* UInt64(index + 1))
        switch element {
        case .f32: unsafe memory.storeBytes(of: value, toByteOffset: 4 * index, as: Float.self)
        case .bf16:
          unsafe memory.storeBytes(
            of: UInt16(value.bitPattern >> 16), toByteOffset: 2 * index, as: UInt16.self)
        case .f16:
          unsafe memory.storeBytes(
            of: Float16(value).bitPattern, toByteOffset: 2 * index, as: UInt16.self)
        }
      }
    }
    return unsafe Linear(
      base: UnsafeRawPointer(memory), element: element, outFeatures: rows, inFeatures: columns,
      owner: owner)
  }
}
