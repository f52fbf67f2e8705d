import HeadKVCache
import HeadKVWeights

extension GPTConfiguration {
  /// Whether the tensor names are those of a LlamaGen GPT.
  public static func recognises(_ catalog: TensorCatalog) -> Bool {
    catalog["tok_embeddings.weight"] != nil && catalog["output.weight"] != nil
  }

  /// Reads the shape of the model off its tensors, and from `hints` what they do not tell.
  ///
  /// Head count and grid do not show in the shapes: they come from the hints, else from the table
  /// of published models, by file name (`c2i_B_256.pt`) or where a size was published for one grid
  /// only.
  /// - Throws: ``ModelError``, naming what is missing or contradicts the weights.
  public init(_ catalog: TensorCatalog, hints: GPTHints) throws(ModelError) {
    let file = catalog.path
    func shape(_ name: String) throws(ModelError) -> [Int] {
      guard let info = catalog[name] else {
        throw .missing(file: file, tensors: [name])
      }
      guard info.shape.count == 2, info.shape.allSatisfy({ $0 > 0 }) else {
        throw .notAModel(file: file, reason: "\(name) has shape \(info.shape), not a matrix")
      }
      return info.shape
    }
    guard Self.recognises(catalog) else {
      throw .notAModel(
        file: file,
        reason: "not a LlamaGen GPT: no tok_embeddings.weight and output.weight")
    }
    let embedding = try shape("tok_embeddings.weight")
    vocabulary = embedding[0]
    dimension = embedding[1]
    hidden = try shape("layers.0.feed_forward.w1.weight")[0]
    var count = 0
    while catalog["layers.\(count).attention.wqkv.weight"] != nil { count += 1 }
    guard count > 0 else {
      throw .missing(file: file, tensors: ["layers.0.attention.wqkv.weight"])
    }
    layers = count
    if catalog["cls_embedding.embedding_table.weight"] != nil {
      conditioning = .classes(try shape("cls_embedding.embedding_table.weight")[0] - 1)
    } else {
      let null = try shape("cls_embedding.uncond_embedding")
      conditioning = .captions(tokens: null[0], dimension: null[1])
    }

    let width = dimension
    let published = GPTPreset.all.first { $0.dimension == width && $0.layers == count }
    if let preset = hints.preset, preset.dimension != width || preset.layers != count {
      throw .contradiction(
        file: file, what: "the model", said: preset.name,
        found: "\(count) layers of width \(width)")
    }
    guard let headCount = hints.heads ?? hints.preset?.heads ?? published?.heads else {
      throw .unknown(
        file: file,
        what: "the number of heads does not show in the weights: give --heads, --preset or a config.json")
    }
    heads = headCount
    guard let side = hints.grid ?? Self.tableGrid(catalog, width: width) else {
      throw .unknown(
        file: file,
        what: "the token grid does not show in the weights: give --image-size, --grid or a config.json")
    }
    grid = side
    ropeBase = hints.ropeBase ?? 10_000
    normEpsilon = hints.normEpsilon ?? 1e-5
    try check(file)
  }

  /// - Throws: ``ModelError`` if the width does not split into the heads, or the grid has a single
  ///   cell, for which there is nothing to remember.
  func check(_ file: String) throws(ModelError) {
    guard heads > 0, dimension % heads == 0, dimension / heads % 4 == 0 else {
      throw .contradiction(
        file: file, what: "the number of heads", said: "\(heads)",
        found: "a width of \(dimension), which must split into heads of a multiple of 4")
    }
    guard grid.count > 1 else {
      throw .configuration(file: file, reason: "the token grid has a single cell")
    }
  }

  /// The grid from the rotary table that older checkpoints carry, else from the table of published
  /// files, else from the one size that a published model of that width has.
  private static func tableGrid(_ catalog: TensorCatalog, width: Int) -> TokenGrid? {
    func square(_ side: Int) -> TokenGrid { TokenGrid(width: side, height: side) }
    let captioned = catalog["cls_embedding.uncond_embedding"]
    if let info = catalog["freqs_cis"], info.shape.count == 3 {
      let (cells, below) = info.shape[0].subtractingReportingOverflow(captioned?.shape.first ?? 1)
      let side = Int(Double(max(cells, 0)).squareRoot().rounded())
      if !below, side > 0, side <= 1024, side * side == cells { return square(side) }
    }
    let name = catalog.path.split(separator: "/").last.map(String.init) ?? ""
    if let side = GPTPreset.publishedGrids[name] { return square(side) }
    let sizes = Set(
      GPTPreset.publishedGrids.filter { file, _ in
        file.hasPrefix(captioned == nil ? "c2i_" : "t2i_")
          && GPTPreset.all.contains {
            $0.dimension == width && file.contains("_" + $0.name.dropFirst(4) + "_")
          }
      }.values)
    return sizes.count == 1 ? square(sizes.first!) : nil
  }
}
