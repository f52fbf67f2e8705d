import HeadKVCache
import HeadKVWeights

/// Pictures that are partly drawn, as a file holds them: how they are drawn, their tokens, and the
/// live rows of their caches.
///
/// A safetensors file. Its metadata has the ``Recipe`` under ``Recipe/key``. `tokens` is
/// `[pictures, tokens]`; the tensors of a branch of picture i begin with `i.conditional` or
/// `i.unconditional`: `counts` `[layers, heads]` says how many rows each head has, `keys` and
/// `values` `[rows, headDimension]` have them one after another, in the type of the cache,
/// `positions`, `births`, `scores`, `biases` (and `key_scales`, `value_scales` for int8) `[rows]` what
/// goes with each; `notes` is JSON in UTF-8; `profile_sums`, `queries` and `query_births` are there
/// while heads are profiled.
public struct SavedPictures: Sendable {
  /// One of them; its condition is the recipe's to say.
  public struct Picture: Sendable {
    public let tokens: [Int32]
    /// Of the conditional branch, and under guidance of the other one.
    public let caches: [CacheSnapshot]

    public init(tokens: [Int32], caches: [CacheSnapshot]) {
      self.tokens = tokens
      self.caches = caches
    }
  }

  /// What draws the whole pictures.
  public let recipe: Recipe
  /// In the recipe's order, all with as many tokens.
  public let pictures: [Picture]

  /// - Parameter recipe: of the whole pictures, in the order of `states`.
  /// - Precondition: there is a state for each of its pictures, all with as many tokens.
  public init(recipe: Recipe, _ states: [PictureState]) {
    precondition(
      recipe.pictures.count == states.count
        && states.allSatisfy { $0.tokens.count == states[0].tokens.count },
      "saved pictures are the recipe's, and stand at the same token")
    self.recipe = recipe
    pictures = states.map { Picture(tokens: $0.tokens, caches: $0.caches) }
  }

  static let formatKey = "headkv-state"
  static let format = "1"

  /// Writes the file; it is whole or absent.
  ///
  /// - Throws: ``WeightError`` naming the file and the system's reason.
  public func write(to path: String) throws {
    let length = pictures.first?.tokens.count ?? 0
    var tensors = [
      TensorToWrite.i32("tokens", [pictures.count, length], pictures.flatMap(\.tokens))
    ]
    for (index, picture) in pictures.enumerated() {
      for (branch, cache) in zip(GuidanceBranch.allCases, picture.caches) {
        tensors += try SnapshotTensors.tensors(of: cache, "\(index).\(branch.rawValue).")
      }
    }
    try SafetensorsWriter.write(
      tensors, metadata: [Self.formatKey: Self.format, Recipe.key: try recipe.json()], to: path)
  }

  /// Whether a file claims to be one of saved pictures.
  package static func recognises(_ catalog: TensorCatalog) -> Bool {
    catalog.metadata[formatKey] != nil
  }

  /// - Throws: ``WeightError``, ``RecipeError`` or ``OptionError``, naming the file
  ///   and what is wrong in it.
  public init(reading path: String) throws {
    try self.init(TensorCatalog.open(path))
  }

  package init(_ catalog: TensorCatalog) throws {
    let path = catalog.path
    guard let format = catalog.metadata[Self.formatKey], let text = catalog.metadata[Recipe.key]
    else { throw OptionError("\(path): the file", "not one of saved pictures", "one") }
    guard format == Self.format else {
      throw OptionError("\(path): \(Self.formatKey)", "'\(format)'", Self.format)
    }
    recipe = try Recipe(json: text, file: path)
    let element = recipe.kvType
    let grid = TokenGrid(width: recipe.gridWidth, height: recipe.gridHeight)
    let stored = try catalog.tensor("tokens")
    guard stored.info.shape.count == 2, stored.info.shape[0] == recipe.pictures.count else {
      throw OptionError(
        "\(path): tokens", "of shape \(stored.info.shape)", "[\(recipe.pictures.count), tokens]")
    }
    let length = stored.info.shape[1]
    let values = try stored.integers()
    pictures = try recipe.pictures.indices.map { index in
      let tokens = try values[index * length..<(index + 1) * length].map { value in
        guard let token = Int32(exactly: value) else {
          throw OptionError("\(path): a token", "\(value)", "a code")
        }
        return token
      }
      var caches: [CacheSnapshot] = []
      for branch in GuidanceBranch.allCases {
        let prefix = "\(index).\(branch.rawValue)."
        guard branch == .conditional || catalog[prefix + "counts"] != nil else { continue }
        caches.append(try SnapshotTensors(catalog, prefix).snapshot(element, grid))
      }
      return Picture(tokens: tokens, caches: caches)
    }
  }
}
