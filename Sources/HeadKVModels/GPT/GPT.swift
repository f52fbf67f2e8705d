import HeadKVCache
import HeadKVMath
import HeadKVWeights
import Synchronization

/// The weights of a LlamaGen GPT, read-only and shared by all that draw with them.
///
/// Matrices stay in the mapped file and in its element type (f32, bf16 or f16), or are packed in a
/// precision asked for.
public final class GPT: Sendable {
  struct Layer: Sendable {
    let attentionNorm: FloatStorage
    /// `[3 dimension, dimension]`: queries, keys and values stacked.
    let queryKeyValue: Linear
    let attentionOutput: Linear
    let feedForwardNorm: FloatStorage
    let gate: Linear
    let up: Linear
    let down: Linear
  }

  enum ConditionEmbedding: Sendable {
    /// `[classes + 1, dimension]`; the last row is the null class.
    case classes(FloatStorage)
    case captions(first: Linear, second: Linear, null: FloatStorage)
  }

  public let configuration: GPTConfiguration
  public let precision: WeightPrecision
  /// Tensors of the file that the model does not have.
  public let unexpected: [String]
  let layers: [Layer]
  let condition: ConditionEmbedding
  let tokenEmbedding: Linear
  let norm: FloatStorage
  let output: Linear
  let rotary: RotaryTable
  /// Filled when first asked for: engines come and go with each batch.
  let gains = Mutex<HeadMap<Float>?>(nil)

  init(
    configuration: GPTConfiguration, precision: WeightPrecision, unexpected: [String],
    layers: [Layer], condition: ConditionEmbedding, tokenEmbedding: Linear, norm: FloatStorage,
    output: Linear
  ) {
    self.configuration = configuration
    self.precision = precision
    self.unexpected = unexpected
    self.layers = layers
    self.condition = condition
    self.tokenEmbedding = tokenEmbedding
    self.norm = norm
    self.output = output
    rotary = RotaryTable(
      grid: configuration.grid, headDimension: configuration.headDimension,
      base: configuration.ropeBase)
  }

  /// Takes the model's tensors from `catalog`, a file as published or one that was packed.
  ///
  /// - Parameters:
  ///   - hints: what the file does not tell; a packed file tells all, and they must not contradict.
  ///   - precision: how matrices are held; anything but `auto` packs them, which reads the file. A
  ///     packed file has a precision, and takes no other.
  ///   - threads: threads that pack; default: all processors, at most 1024.
  /// - Throws: ``ModelError``: missing tensors all at once, misshapen ones by name with the shape
  ///   expected and found.
  public convenience init(
    _ catalog: TensorCatalog, hints: GPTHints = GPTHints(), precision: WeightPrecision = .auto,
    threads: Int? = nil
  ) throws(ModelError) {
    catalog.preferHugePages()
    if PackedHeader.isPresent(in: catalog) {
      let header = try PackedHeader(catalog)
      try header.check(catalog.path, hints: hints, precision: precision)
      var reader = PackedReader(catalog, precision: header.precision)
      let shape = header.configuration
      let gains = try reader.vector(PackedReader.gains, shape.layers, shape.heads)
      try self.init(header.configuration, from: &reader)
      self.gains.withLock {
        $0 = unsafe HeadMap(
          layers: shape.layers, heads: shape.heads,
          values: Array(UnsafeBufferPointer(start: gains.base, count: gains.count)))
      }
      return
    }
    let shape = try GPTConfiguration(catalog, hints: hints)
    let missing = Self.tensorNames(shape).filter { catalog[$0] == nil }
    guard missing.isEmpty else { throw .missing(file: catalog.path, tensors: missing) }
    var loader = WeightLoader(
      catalog, precision: precision,
      threads: WorkerPool.nearest(threads ?? WorkerPool.availableProcessors))
    // Older files carry the rotary table, which is computed here.
    loader.ignore("freqs_cis")
    try self.init(shape, from: &loader)
  }

  private convenience init(
    _ shape: GPTConfiguration, from source: inout some WeightSource
  ) throws(ModelError) {
    let (width, hidden) = (shape.dimension, shape.hidden)
    var layers: [Layer] = []
    for index in 0..<shape.layers {
      let prefix = "layers.\(index)."
      layers.append(
        Layer(
          attentionNorm: try source.vector(prefix + "attention_norm.weight", width),
          queryKeyValue: try source.linear(prefix + "attention.wqkv.weight", 3 * width, width),
          attentionOutput: try source.linear(prefix + "attention.wo.weight", width, width),
          feedForwardNorm: try source.vector(prefix + "ffn_norm.weight", width),
          gate: try source.linear(prefix + "feed_forward.w1.weight", hidden, width),
          up: try source.linear(prefix + "feed_forward.w3.weight", hidden, width),
          down: try source.linear(prefix + "feed_forward.w2.weight", width, hidden)))
    }
    let condition: ConditionEmbedding
    switch shape.conditioning {
    case .classes(let count):
      condition = .classes(
        try source.vector("cls_embedding.embedding_table.weight", count + 1, width))
    case .captions(let tokens, let features):
      condition = .captions(
        first: try source.table("cls_embedding.cap_proj.fc1.weight", width, features),
        second: try source.table("cls_embedding.cap_proj.fc2.weight", width, width),
        null: try source.vector("cls_embedding.uncond_embedding", tokens, features))
    }
    let tokenEmbedding = try source.table("tok_embeddings.weight", shape.vocabulary, width)
    let norm = try source.vector("norm.weight", width)
    let output = try source.linear("output.weight", shape.vocabulary, width)
    self.init(
      configuration: shape, precision: source.precision, unexpected: source.unexpected,
      layers: layers, condition: condition, tokenEmbedding: tokenEmbedding, norm: norm,
      output: output)
  }

  /// Bytes of the matrices that each step reads.
  public var weightBytesPerStep: Int {
    layers.reduce(output.byteCount) { sum, layer in
      sum + layer.queryKeyValue.byteCount + layer.attentionOutput.byteCount + layer.gate.byteCount
        + layer.up.byteCount + layer.down.byteCount
    }
  }

  /// Bytes of all weights as they are held, embeddings and norms included.
  public var weightBytes: Int {
    weights.reduce(0) { sum, weight in
      switch weight.value {
      case .linear(let matrix), .table(let matrix): sum + matrix.byteCount
      case .vector(let values, _): sum + 4 * values.count
      }
    }
  }

  private static func tensorNames(_ shape: GPTConfiguration) -> [String] {
    var names = ["tok_embeddings.weight", "norm.weight", "output.weight"]
    switch shape.conditioning {
    case .classes: names.append("cls_embedding.embedding_table.weight")
    case .captions:
      names += ["cap_proj.fc1.weight", "cap_proj.fc2.weight", "uncond_embedding"].map {
        "cls_embedding." + $0
      }
    }
    for layer in 0..<shape.layers {
      names += [
        "attention_norm", "attention.wqkv", "attention.wo", "ffn_norm", "feed_forward.w1",
        "feed_forward.w2", "feed_forward.w3",
      ].map { "layers.\(layer).\($0).weight" }
    }
    return names
  }
}
