import HeadKVMath
import HeadKVWeights

/// What a VQ tokenizer takes, in bytes, as the shapes of its tensors tell: bounds from above.
public struct VQMemory: Sendable, Hashable {
  /// All weights, and what loading them takes beside.
  public let weights: Int
  /// Decoding one picture on one thread; more threads on the same picture take less than as many
  /// pictures do.
  public let decoding: Int

  /// Memory comes in pages of up to 2 MiB.
  private static let page = 2 << 20

  private static func pages(_ bytes: Int) -> Int { (bytes + page - 1) / page * page }

  /// - Parameters:
  ///   - width, height: tokens of a picture.
  /// - Throws: ``VQError`` if `catalog` holds no VQ tokenizer.
  public init(_ catalog: TensorCatalog, width: Int, height: Int) throws(VQError) {
    let levels = VQWeights(catalog).count("decoder.conv_blocks.")
    _ = try VQTokenizer.outline(catalog)
    // Sixteen outputs lie side by side.
    let sizes = catalog.tensors.filter { Self.isWeight($0.name) }.map { tensor in
      tensor.shape.dropFirst().reduce(4 * (((tensor.shape.first ?? 1) + 15) / 16 * 16), *)
    }
    weights = Self.pages(sizes.reduce(0, +) + 3 * (sizes.max() ?? 0)) + Self.page

    // A residual block has an input, an output and what lies between; attention has five maps.
    var maps = 0
    var transformed = 0
    var scratch = 0
    for tensor in catalog.tensors where tensor.name.hasPrefix("decoder.") && tensor.shape.count == 4 {
      let (outputs, inputs) = (tensor.shape[0], tensor.shape[1])
      let level = Self.level(tensor.name, of: levels)
      let map = 4 * max(outputs, inputs) * (width << level) * (height << level)
      let attends = tensor.name.contains("attn") || tensor.name.contains("mid")
      maps = max(maps, (attends ? 5 : 3) * Self.pages(map))
      guard tensor.shape[2] == 3 else { continue }
      transformed = max(transformed, 4 * WinogradSize.transformed(inputs: inputs, outputs: outputs))
      scratch = max(scratch, 4 * WinogradSize.scratch(inputs: inputs))
    }
    let pixels = (width << (levels - 1)) * (height << (levels - 1))
    let attention = 4 * width * height * 64
    decoding =
      maps + transformed + scratch + attention + 3 * 3 * 4 * pixels + 3 * Self.page
  }

  private static func isWeight(_ name: String) -> Bool {
    name == "quantize.embedding.weight"
      || ["decoder.", "encoder.", "quant_conv.", "post_quant_conv."].contains { name.hasPrefix($0) }
  }

  /// How often the grid has been doubled where the outputs of a convolution of the decoder stand.
  private static func level(_ name: String, of levels: Int) -> Int {
    let prefix = "decoder.conv_blocks."
    if name.hasPrefix("decoder.conv_out") { return levels - 1 }
    guard name.hasPrefix(prefix),
      let index = Int(name.dropFirst(prefix.count).prefix { $0 != "." })
    else { return 0 }
    return min(max(index + (name.contains("upsample") ? 1 : 0), 0), levels - 1)
  }
}
