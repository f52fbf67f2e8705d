import HeadKVCache

/// The shape of a LlamaGen GPT.
public struct GPTConfiguration: Sendable, Hashable {
  public enum Conditioning: Sendable, Hashable {
    /// One of `classes` classes, and a null class behind them.
    case classes(Int)
    /// A caption of up to `tokens` features of `dimension` elements.
    case captions(tokens: Int, dimension: Int)
  }

  public var layers: Int
  public var heads: Int
  /// Width of the residual stream.
  public var dimension: Int
  /// Width of the feed-forward layer.
  public var hidden: Int
  /// Codes of the image tokenizer.
  public var vocabulary: Int
  public var grid: TokenGrid
  public var conditioning: Conditioning
  public var ropeBase: Float = 10_000
  public var normEpsilon: Float = 1e-5

  /// A published size, class-conditional on ImageNet's 1000 classes.
  public init(_ preset: GPTPreset, grid: TokenGrid, vocabulary: Int = 16384, classes: Int = 1000) {
    layers = preset.layers
    heads = preset.heads
    dimension = preset.dimension
    hidden = preset.hidden
    self.vocabulary = vocabulary
    self.grid = grid
    conditioning = .classes(classes)
  }

  public var headDimension: Int { dimension / heads }

  /// Parameters of the network, embeddings included.
  public var parameters: Int {
    let block = 4 * dimension * dimension + 3 * dimension * hidden + 2 * dimension
    let condition =
      switch conditioning {
      case .classes(let count): (count + 1) * dimension
      case .captions(let tokens, let width):
        dimension * width + dimension * dimension + tokens * width
      }
    return layers * block + 2 * vocabulary * dimension + dimension + condition
  }

  /// What a sequence's cache has to hold; the prefix is one row, a caption's tokens being folded.
  public var sequenceShape: SequenceShape {
    SequenceShape(
      layers: layers, heads: heads, headDimension: headDimension, prefixRows: 1, grid: grid)
  }
}

/// A published size of LlamaGen (Sun et al., "Autoregressive Model Beats Diffusion", 2406.06525).
public struct GPTPreset: Sendable, Hashable {
  public let name: String
  public let layers: Int
  public let heads: Int
  public let dimension: Int

  public static let all: [GPTPreset] = [
    GPTPreset(name: "GPT-B", layers: 12, heads: 12, dimension: 768),
    GPTPreset(name: "GPT-L", layers: 24, heads: 16, dimension: 1024),
    GPTPreset(name: "GPT-XL", layers: 36, heads: 20, dimension: 1280),
    GPTPreset(name: "GPT-XXL", layers: 48, heads: 24, dimension: 1536),
    GPTPreset(name: "GPT-XXXL", layers: 48, heads: 40, dimension: 2560),
    GPTPreset(name: "GPT-1B", layers: 22, heads: 32, dimension: 2048),
    GPTPreset(name: "GPT-3B", layers: 24, heads: 32, dimension: 3200),
    GPTPreset(name: "GPT-7B", layers: 32, heads: 32, dimension: 4096),
  ]

  /// Cells on a side of the grid of each file that LlamaGen's authors published.
  static let publishedGrids: [String: Int] = [
    "c2i_B_256.pt": 16, "c2i_B_384.pt": 24, "c2i_L_256.pt": 16, "c2i_L_384.pt": 24,
    "c2i_XL_384.pt": 24, "c2i_XXL_384.pt": 24, "c2i_3B_384.pt": 24, "t2i_XL_stage1_256.pt": 16,
    "t2i_XL_stage2_512.pt": 32,
  ]

  /// The preset of that name, in any case, with or without `GPT-`.
  public static func named(_ name: String) -> GPTPreset? {
    let wanted = name.uppercased()
    return all.first { $0.name == wanted || $0.name == "GPT-" + wanted }
  }

  /// Width of the feed-forward layer: two thirds of 4 x dimension, up to a multiple of 256.
  public var hidden: Int { (8 * dimension / 3 + 255) / 256 * 256 }
}
