import HeadKVCache
import HeadKVWeights

/// What a packed file says about itself, in the metadata of its header.
///
/// A packed file is a safetensors file. Each matrix is a tensor `<LlamaGen's name>.panels` whose
/// elements lie as the kernels read them, and under int8 a tensor `.scales` [rows]; a matrix that
/// bf12 cannot hold is one of bf16. Tables, norms and embeddings keep their names and are row-major.
/// The order of elements is the same on every processor.
public struct PackedHeader: Sendable, Hashable {
  /// The version of the order of elements that this code writes and reads.
  public static let layout = 1

  public let configuration: GPTConfiguration
  public let precision: WeightPrecision
  /// Names of the classes; empty if the model came without.
  public let classNames: [String]
  /// Names of the files that were packed, and the SHA-256 of each.
  public let sources: [Source]

  public struct Source: Sendable, Hashable {
    public let name: String
    /// 64 hexadecimal digits.
    public let digest: String
  }

  init(
    configuration: GPTConfiguration, precision: WeightPrecision, classNames: [String],
    sources: [Source]
  ) {
    self.configuration = configuration
    self.precision = precision
    self.classNames = classNames
    self.sources = sources
  }

  /// Whether the file is a packed one, of whatever version.
  public static func isPresent(in catalog: TensorCatalog) -> Bool {
    catalog.metadata[Key.layout] != nil
  }

  enum Key {
    static let layout = "headkv_packed_layout"
    static let precision = "precision"
    static let layers = "layers"
    static let heads = "heads"
    static let dimension = "dimension"
    static let hidden = "hidden"
    static let vocabulary = "vocabulary"
    static let gridWidth = "grid_width"
    static let gridHeight = "grid_height"
    static let classes = "classes"
    static let captionTokens = "caption_tokens"
    static let captionDimension = "caption_dimension"
    static let ropeBase = "rope_base"
    static let normEpsilon = "norm_eps"
    static let classNames = "class_names"
    static let sources = "source"
    static let digests = "source_sha256"
    /// The digest of a tensor's elements stands under this and the tensor's name.
    static let tensor = "sha256:"
  }

  var metadata: [String: String] {
    var text = [
      HeaderSeal.key: HeaderSeal.open, Key.layout: "\(Self.layout)",
      Key.precision: precision.rawValue, Key.layers: "\(configuration.layers)",
      Key.heads: "\(configuration.heads)", Key.dimension: "\(configuration.dimension)",
      Key.hidden: "\(configuration.hidden)", Key.vocabulary: "\(configuration.vocabulary)",
      Key.gridWidth: "\(configuration.grid.width)", Key.gridHeight: "\(configuration.grid.height)",
      Key.ropeBase: "\(configuration.ropeBase)", Key.normEpsilon: "\(configuration.normEpsilon)",
      Key.classNames: classNames.joined(separator: "\n"),
      Key.sources: sources.map(\.name).joined(separator: "\n"),
      Key.digests: sources.map(\.digest).joined(separator: "\n"),
    ]
    switch configuration.conditioning {
    case .classes(let count): text[Key.classes] = "\(count)"
    case .captions(let tokens, let dimension):
      text[Key.captionTokens] = "\(tokens)"
      text[Key.captionDimension] = "\(dimension)"
    }
    return text
  }

  /// - Throws: ``ModelError`` if the caller asks for what the file does not hold.
  func check(
    _ file: String, hints: GPTHints, precision asked: WeightPrecision
  ) throws(ModelError) {
    guard asked == .auto || asked == precision else {
      throw .packedOtherwise(file: file, asked: asked, found: precision)
    }
    func fail(_ what: String, _ said: String, _ found: String) -> ModelError {
      .contradiction(file: file, what: what, said: said, found: found)
    }
    if let heads = hints.heads ?? hints.preset?.heads, heads != configuration.heads {
      throw fail("the number of heads", "\(heads)", "\(configuration.heads)")
    }
    if let preset = hints.preset,
      preset.dimension != configuration.dimension || preset.layers != configuration.layers
    {
      throw fail(
        "the model", preset.name,
        "\(configuration.layers) layers of width \(configuration.dimension)")
    }
    if let grid = hints.grid, grid != configuration.grid {
      throw fail(
        "the token grid", "\(grid.width)x\(grid.height)",
        "\(configuration.grid.width)x\(configuration.grid.height)")
    }
  }
}

extension PackedHeader {
  /// Reads the header of a packed file.
  ///
  /// - Throws: ``ModelError`` naming the file and what is missing or out of range.
  public init(_ catalog: TensorCatalog) throws(ModelError) {
    let reader = MetadataReader(catalog)
    let layout = try reader.number(Key.layout, 0...Int.max)
    guard layout == Self.layout else {
      throw .configuration(
        file: catalog.path, reason: "packed in layout \(layout), this reads \(Self.layout)")
    }
    _ = try reader.text(HeaderSeal.key)
    let word = try reader.text(Key.precision)
    guard let precision = WeightPrecision(rawValue: word), precision != .auto else {
      throw reader.error(Key.precision, word, "f32, bf16, bf12 or int8")
    }
    self.precision = precision
    configuration = try GPTConfiguration(packed: reader)
    classNames = try reader.lines(Key.classNames)
    let (names, digests) = (try reader.lines(Key.sources), try reader.lines(Key.digests))
    guard names.count == digests.count else {
      throw reader.error(Key.digests, "\(digests.count) digests", "\(names.count)")
    }
    sources = zip(names, digests).map { Source(name: $0, digest: $1) }
  }
}

extension GPTConfiguration {
  fileprivate init(packed reader: MetadataReader) throws(ModelError) {
    typealias Key = PackedHeader.Key
    layers = try reader.number(Key.layers, 1...4096)
    heads = try reader.number(Key.heads, 1...4096)
    dimension = try reader.number(Key.dimension, 1...1 << 20)
    hidden = try reader.number(Key.hidden, 1...1 << 22)
    vocabulary = try reader.number(Key.vocabulary, 1...1 << 24)
    grid = TokenGrid(
      width: try reader.number(Key.gridWidth, 1...1024),
      height: try reader.number(Key.gridHeight, 1...1024))
    if reader.has(Key.classes) {
      conditioning = .classes(try reader.number(Key.classes, 0...1 << 24))
    } else {
      conditioning = .captions(
        tokens: try reader.number(Key.captionTokens, 1...1 << 16),
        dimension: try reader.number(Key.captionDimension, 1...1 << 20))
    }
    ropeBase = try reader.float(Key.ropeBase)
    normEpsilon = try reader.float(Key.normEpsilon)
    try check(reader.file)
  }
}
