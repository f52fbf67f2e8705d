import Foundation
import HeadKVMath
import HeadKVWeights

/// LlamaGen's VQ tokenizer: pictures to grids of codes and back.
///
/// All channel counts and the number of levels are read from the weights.
public final class VQTokenizer: Sendable {
  public let codebookSize: Int
  public let codeDimension: Int
  /// Pixels on a side of one token.
  public let downsampling: Int
  /// Tensors of the file that the tokenizer does not have; training buffers are not counted.
  public let unexpected: [String]
  /// Codes `[codebookSize, codeDimension]` of length one.
  private let codebook: [Float]
  private let decoder: [any VQStage]
  private let encoder: [any VQStage]

  public var hasEncoder: Bool { !encoder.isEmpty }

  /// Whether the tensor names are those of a tokenizer.
  public static func isVQ(_ catalog: TensorCatalog) -> Bool {
    catalog["quantize.embedding.weight"] != nil
  }

  /// - Throws: ``ModelError``, naming a missing or misshapen tensor.
  public init(_ catalog: TensorCatalog) throws(ModelError) {
    guard let info = catalog["quantize.embedding.weight"], info.shape.count == 2,
      info.shape.allSatisfy({ $0 > 0 })
    else {
      throw .notAModel(
        file: catalog.path, reason: "not a VQ tokenizer: no quantize.embedding.weight")
    }
    codebookSize = info.shape[0]
    codeDimension = info.shape[1]
    var loader = VQLoader(catalog)
    var codes = try loader.floats("quantize.embedding.weight", info.shape)
    let width = info.shape[1]
    for code in 0..<info.shape[0] { Self.normalise(&codes, code * width..<(code + 1) * width) }
    codebook = codes
    let (decoder, levels) = try Self.decoder(&loader, codeDimension: width)
    self.decoder = decoder
    encoder =
      loader.has("encoder.conv_in.weight") ? try Self.encoder(&loader, codeDimension: width) : []
    downsampling = 1 << (levels - 1)
    let taken = loader.taken
    unexpected = catalog.tensors.map(\.name).filter {
      !taken.contains($0) && !$0.hasPrefix("quantize.")
    }
  }

  private static func decoder(
    _ loader: inout VQLoader, codeDimension: Int
  ) throws(ModelError) -> ([any VQStage], Int) {
    let post = try loader.convolution("post_quant_conv", kernel: 1, from: codeDimension)
    let first = try loader.convolution("decoder.conv_in", from: post.outChannels)
    var stages: [any VQStage] = [PlainConvolution(conv: post), PlainConvolution(conv: first)]
    var channels = first.outChannels
    stages += try middle(&loader, "decoder.mid", channels)
    var level = 0
    while loader.has("decoder.conv_blocks.\(level).res.0.norm1.weight") {
      let name = "decoder.conv_blocks.\(level)"
      stages += try blocks(&loader, name, &channels)
      if loader.has("decoder.conv_blocks.\(level + 1).res.0.norm1.weight") {
        let conv = try loader.convolution(name + ".upsample.conv", from: channels)
        channels = conv.outChannels
        stages.append(Upsample(conv: conv))
      }
      level += 1
      guard level < 16 else { break }
    }
    guard level > 0 else {
      throw .missing(
        file: loader.catalog.path, tensors: ["decoder.conv_blocks.0.res.0.norm1.weight"])
    }
    let norm = try loader.norm("decoder.norm_out", channels)
    let last = try loader.convolution("decoder.conv_out", from: channels)
    guard last.outChannels == 3 else {
      throw .notAModel(
        file: loader.catalog.path, reason: "decoder.conv_out gives \(last.outChannels) channels, not 3")
    }
    stages.append(OutputStage(norm: norm, conv: last))
    return (stages, level)
  }

  private static func encoder(
    _ loader: inout VQLoader, codeDimension: Int
  ) throws(ModelError) -> [any VQStage] {
    let first = try loader.convolution("encoder.conv_in", from: 3)
    var stages: [any VQStage] = [PlainConvolution(conv: first)]
    var channels = first.outChannels
    var level = 0
    while loader.has("encoder.conv_blocks.\(level).res.0.norm1.weight"), level < 16 {
      let name = "encoder.conv_blocks.\(level)"
      stages += try blocks(&loader, name, &channels)
      if loader.has("encoder.conv_blocks.\(level + 1).res.0.norm1.weight") {
        let conv = try loader.convolution(name + ".downsample.conv", stride: 2, from: channels)
        channels = conv.outChannels
        stages.append(PlainConvolution(conv: conv))
      }
      level += 1
    }
    stages += try middle(&loader, "encoder.mid", channels)
    let norm = try loader.norm("encoder.norm_out", channels)
    let last = try loader.convolution("encoder.conv_out", from: channels)
    stages.append(OutputStage(norm: norm, conv: last))
    let quant = try loader.convolution("quant_conv", kernel: 1, from: last.outChannels)
    guard quant.outChannels == codeDimension else {
      throw .contradiction(
        file: loader.catalog.path, what: "the width of a code", said: "\(codeDimension)",
        found: "\(quant.outChannels)")
    }
    stages.append(PlainConvolution(conv: quant))
    return stages
  }

  private static func middle(
    _ loader: inout VQLoader, _ name: String, _ channels: Int
  ) throws(ModelError) -> [any VQStage] {
    [
      try loader.residual(name + ".0", channels), try loader.attention(name + ".1", channels),
      try loader.residual(name + ".2", channels),
    ]
  }

  private static func blocks(
    _ loader: inout VQLoader, _ name: String, _ channels: inout Int
  ) throws(ModelError) -> [any VQStage] {
    var stages: [any VQStage] = []
    var index = 0
    while loader.has(name + ".res.\(index).norm1.weight"), index < 64 {
      let block = try loader.residual(name + ".res.\(index)", channels)
      channels = block.conv2.outChannels
      stages.append(block)
      if loader.has(name + ".attn.\(index).norm.weight") {
        stages.append(try loader.attention(name + ".attn.\(index)", channels))
      }
      index += 1
    }
    return stages
  }

  private static func normalise(_ values: inout [Float], _ range: Range<Int>) {
    var squares: Float = 0
    for index in range { squares += values[index] * values[index] }
    let length = max(squares.squareRoot(), 1e-12)
    for index in range { values[index] /= length }
  }

  /// Decodes `width` x `height` tokens to `[3, H, W]` in about -1...1, not clamped.
  ///
  /// - Throws: ``ModelError`` if a token is no code or the tokens do not fill the grid.
  public func decode(
    tokens: [Int32], width: Int, height: Int, threads: Int = 1
  ) throws(ModelError) -> [Float] {
    guard width > 0, height > 0, tokens.count == width * height else {
      throw .notAModel(file: "tokens", reason: "\(tokens.count) do not make a \(width)x\(height) grid")
    }
    var map = FeatureMap(channels: codeDimension, height: height, width: width)
    for (cell, token) in tokens.enumerated() {
      guard token >= 0, Int(token) < codebookSize else {
        throw .tokenOutOfRange(Int(token), codes: codebookSize)
      }
      for channel in 0..<codeDimension {
        map.values[channel * tokens.count + cell] = codebook[Int(token) * codeDimension + channel]
      }
    }
    let pool = WorkerPool(threads: max(threads, 1))
    for stage in decoder { map = stage(map, pool) }
    return map.values
  }

  /// Encodes `[3, H, W]` in -1...1 to tokens in raster order: the nearest code to each cell.
  ///
  /// - Throws: ``ModelError`` without an encoder, or if the sides are no multiples of
  ///   ``downsampling``.
  public func encode(
    pixels: [Float], width: Int, height: Int, threads: Int = 1
  ) throws(ModelError) -> [Int32] {
    guard hasEncoder else { throw .notAModel(file: "tokenizer", reason: "it has no encoder") }
    guard width > 0, height > 0, pixels.count == 3 * width * height, width % downsampling == 0,
      height % downsampling == 0
    else {
      throw .notAModel(
        file: "picture", reason: "\(width)x\(height) pixels are not multiples of \(downsampling)")
    }
    let pool = WorkerPool(threads: max(threads, 1))
    var map = FeatureMap(channels: 3, height: height, width: width, values: pixels)
    for stage in encoder { map = stage(map, pool) }
    return (0..<map.cells).map { cell in
      var code = (0..<codeDimension).map { map.values[$0 * map.cells + cell] }
      Self.normalise(&code, 0..<codeDimension)
      var best = 0
      var least = Float.infinity
      for index in 0..<codebookSize {
        var distance: Float = 0
        for channel in 0..<codeDimension {
          let step = code[channel] - codebook[index * codeDimension + channel]
          distance += step * step
        }
        if distance < least {
          least = distance
          best = index
        }
      }
      return Int32(best)
    }
  }

  /// Pixels `[H, W, 3]` of a decoded picture, -1...1 becoming 0...255.
  public static func bytes(from values: [Float], width: Int, height: Int) -> [UInt8] {
    let count = width * height
    var bytes = [UInt8](repeating: 0, count: 3 * count)
    for pixel in 0..<count {
      for channel in 0..<3 {
        let value = (values[channel * count + pixel] + 1) * 127.5
        bytes[pixel * 3 + channel] = UInt8(min(max(value.isNaN ? 0 : value, 0), 255).rounded())
      }
    }
    return bytes
  }
}
