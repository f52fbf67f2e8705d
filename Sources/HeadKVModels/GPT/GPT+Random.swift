import HeadKVMath

extension GPT {
  /// A model of random weights, for timing and for tests of size.
  ///
  /// Element `i` of the whole is uniform in -0.05..<0.05, drawn from a SplitMix64 stream.
  package static func random(
    _ shape: GPTConfiguration, element: WeightElement = .f32, seed: UInt64 = 0
  ) -> GPT {
    var source = RandomWeights(element: element, state: seed)
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
          first: source.linear(width, features), second: source.linear(width, width),
          null: source.vector(tokens * features))
      }
    return GPT(
      configuration: shape, unexpected: [], layers: layers, condition: condition,
      tokenEmbedding: source.linear(shape.vocabulary, width), norm: .ones(width),
      output: source.linear(shape.vocabulary, width))
  }
}

extension FloatStorage {
  static func ones(_ count: Int) -> FloatStorage {
    FloatStorage([Float](repeating: 1, count: count))
  }
}

private struct RandomWeights {
  let element: WeightElement
  var state: UInt64

  private mutating func next() -> Float {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return Float(z >> 40) * 0x1p-24 * 0.1 - 0.05
  }

  mutating func vector(_ count: Int) -> FloatStorage {
    FloatStorage((0..<count).map { _ in next() })
  }

  mutating func linear(_ rows: Int, _ columns: Int) -> Linear {
    let memory = WeightMemory(byteCount: rows * columns * element.byteCount)
    for index in 0..<rows * columns {
      let value = next()
      switch element {
      case .f32: memory.store(value.bitPattern, at: index)
      case .bf16: memory.store(UInt16(value.bitPattern >> 16), at: index)
      case .f16: memory.store(Float16(value).bitPattern, at: index)
      }
    }
    return unsafe Linear(
      base: memory.base, element: element, outFeatures: rows, inFeatures: columns, owner: memory)
  }
}

/// Bytes of weights that lie in memory of their own.
@safe
private final class WeightMemory {
  private let buffer: AlignedBuffer<UInt8>
  var base: UnsafeRawPointer { unsafe UnsafeRawPointer(buffer.base) }

  init(byteCount: Int) { buffer = AlignedBuffer(count: byteCount, repeating: 0) }

  func store<T: BitwiseCopyable>(_ value: T, at index: Int) {
    unsafe UnsafeMutableRawPointer(buffer.base)
      .storeBytes(of: value, toByteOffset: index * MemoryLayout<T>.size, as: T.self)
  }
}
