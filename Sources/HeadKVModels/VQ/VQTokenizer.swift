import HeadKVMath
import HeadKVWeights

/// LlamaGen's VQ tokenizer: pictures to tokens and back.
///
/// Pictures are f32 [3, height, width], red first, in about -1...1. Tokens are row-major. The
/// sizes of all layers follow from the weights. Values are immutable: threads may share one.
public final class VQTokenizer: Sendable {
  /// Number of codes; tokens are below it.
  public let codebookSize: Int
  /// Length of a code.
  public let codeDimension: Int
  /// Pixels per token along each side: a power of two.
  public let downsampling: Int
  /// Whether ``encode(pixels:width:height:threads:)`` works.
  public var hasEncoder: Bool { encoder != nil }
  /// Tensors of the catalog that it does not use, but for training buffers (`quantize.`).
  public let unexpected: [String]

  /// Largest picture, in pixels.
  public static let maxPixels = 1 << 22
  /// Most threads per call.
  public static let maxThreads = WorkerPool.threadCounts.upperBound

  private let codebook: VQCodebook
  private let decoder: VQDecoder
  private let encoder: VQEncoder?

  /// Whether the tensors' names are those of a VQ tokenizer.
  public static func isVQ(_ catalog: TensorCatalog) -> Bool {
    catalog["quantize.embedding.weight"] != nil && catalog["decoder.conv_in.weight"] != nil
  }

  /// What the shapes of a catalog tell before its weights are loaded.
  ///
  /// Throws if it holds no VQ tokenizer.
  public static func outline(
    _ catalog: TensorCatalog
  ) throws(VQError) -> (codebookSize: Int, downsampling: Int) {
    let levels = VQWeights(catalog).count("decoder.conv_blocks.")
    guard isVQ(catalog), 1...16 ~= levels else {
      throw VQError("\(catalog.path): not a VQ tokenizer")
    }
    let codes = try VQWeights(catalog).shape("quantize.embedding.weight", rank: 2)[0]
    return (codes, 1 << (levels - 1))
  }

  /// Loads all weights; the encoder may be absent.
  ///
  /// Throws a ``VQError`` that names the tensor if one is missing, has another shape than its
  /// neighbours ask for, or cannot be read.
  public init(_ catalog: TensorCatalog) throws(VQError) {
    var weights = VQWeights(catalog)
    codebook = try VQCodebook(&weights)
    decoder = try VQDecoder(codeDimension: codebook.dimension, &weights)
    encoder =
      catalog.tensors.contains { $0.name.hasPrefix("encoder.") }
      ? try VQEncoder(codeDimension: codebook.dimension, &weights) : nil
    if let encoder, encoder.levels.count != decoder.levels.count {
      throw VQError(
        "\(catalog.path): \(encoder.levels.count) levels in the encoder, \(decoder.levels.count) in the decoder"
      )
    }
    codebookSize = codebook.size
    codeDimension = codebook.dimension
    downsampling = 1 << (decoder.levels.count - 1)
    let used = weights.used
    unexpected = catalog.tensors.map(\.name).filter {
      !used.contains($0) && !$0.hasPrefix("quantize.")
    }
  }

  /// The picture [3, height * downsampling, width * downsampling] of `width * height` tokens, in
  /// about -1...1, not clamped.
  ///
  /// Throws if the number of tokens does not fit, one is outside the codebook, the picture would
  /// exceed ``maxPixels``, or `threads` is outside 1...``maxThreads``.
  public func decode(
    tokens: [Int32], width: Int, height: Int, threads: Int
  ) throws(VQError) -> [Float] {
    try checkThreads(threads)
    try checkTokens(tokens, width: width, height: height)
    return try decode(
      tokens: tokens, width: width, height: height, pool: WorkerPool(threads: threads))
  }

  /// The same on the threads of `pool`, which nobody else may use meanwhile.
  package func decode(
    tokens: [Int32], width: Int, height: Int, pool: WorkerPool
  ) throws(VQError) -> [Float] {
    try checkTokens(tokens, width: width, height: height)
    let codes = codebook.lookup(tokens, height: height, width: width)
    return decoder(codes, on: Conv2DRunner(pool: pool)).planes
  }

  /// The `width * height / downsampling²` tokens of a picture [3, height, width] in -1...1.
  ///
  /// Throws if the file had no encoder, a side is no multiple of ``downsampling``, the number of
  /// values does not fit, or for a size or `threads` as `decode`.
  public func encode(
    pixels: [Float], width: Int, height: Int, threads: Int
  ) throws(VQError) -> [Int32] {
    try checkThreads(threads)
    return try encode(
      pixels: pixels, width: width, height: height, pool: WorkerPool(threads: threads))
  }

  /// The same on the threads of `pool`, which nobody else may use meanwhile.
  package func encode(
    pixels: [Float], width: Int, height: Int, pool: WorkerPool
  ) throws(VQError) -> [Int32] {
    guard let encoder else { throw VQError("this VQ tokenizer has no encoder") }
    try Self.checkSize(width, height)
    guard width % downsampling == 0, height % downsampling == 0 else {
      throw VQError("picture size \(width) x \(height) is no multiple of \(downsampling)")
    }
    guard pixels.count == 3 * width * height else {
      throw VQError(
        "a picture of \(width) x \(height) has \(3 * width * height) values, not \(pixels.count)")
    }
    let runner = Conv2DRunner(pool: pool)
    let picture = FeatureMap(channels: 3, height: height, width: width, planes: pixels)
    return codebook.nearest(encoder(picture, on: runner), on: runner)
  }

  private func checkThreads(_ threads: Int) throws(VQError) {
    guard 1...Self.maxThreads ~= threads else {
      throw VQError("\(threads) threads, not 1...\(Self.maxThreads)")
    }
  }

  private func checkTokens(_ tokens: [Int32], width: Int, height: Int) throws(VQError) {
    try Self.checkSize(width, height)
    try Self.checkSize(width * downsampling, height * downsampling)
    guard tokens.count == width * height else {
      throw VQError("a grid of \(width) x \(height) has \(width * height) tokens, not \(tokens.count)")
    }
    if let index = tokens.firstIndex(where: { !(0..<codebookSize ~= Int($0)) }) {
      throw VQError("token \(tokens[index]) at position \(index) is outside 0..<\(codebookSize)")
    }
  }

  static func checkSize(_ width: Int, _ height: Int) throws(VQError) {
    guard 1...maxPixels ~= width, 1...maxPixels ~= height, width * height <= maxPixels else {
      throw VQError("picture size \(width) x \(height): must be 1 to \(maxPixels) pixels")
    }
  }
}
