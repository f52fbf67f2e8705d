import HeadKV

/// The files that pictures come from, hashed while they are drawn.
struct DrawingSources: Sendable {
  var gpt: Recipe.Source
  var vq: Recipe.Source
  var captions: Recipe.Source?
}

typealias WeightHashing = BackgroundWork<DrawingSources>

extension BackgroundWork<DrawingSources> {
  /// Looks at the files, and where a recipe names them compares their sizes at once and their
  /// SHA-256 as soon as it is known. Files that flags name in place of the recipe's are not compared.
  ///
  /// - Parameters:
  ///   - model: with the recipe's files filled in.
  ///   - given: as the flags say.
  ///   - like: the picture with the recipe.
  /// - Throws: ``WeightError``, or ``RecipeError`` naming both files.
  convenience init(
    _ model: ModelOptions, given: ModelOptions, captions: String?, captionsGiven: Bool,
    like recipe: Recipe?, in picture: String?
  ) throws {
    let gpt = try SourcePart(
      "gpt", model.gpt, model.gptPath, given.gpt == nil ? recipe?.gpt : nil, picture)
    let vq = try SourcePart("vq", model.vq, model.tokenizer.path, given.vq == nil ? recipe?.vq : nil, picture)
    let features = try captions.map {
      try SourcePart("file of captions", $0, $0, captionsGiven ? nil : recipe?.captions, picture)
    }
    self.init("headkv-hash") {
      DrawingSources(
        gpt: try gpt.hashed(), vq: try vq.hashed(), captions: try features?.hashed())
    }
  }
}

/// One of them, and what a recipe says it is.
private struct SourcePart: Sendable {
  let what: String
  let source: Recipe.Source
  let catalog: TensorCatalog
  let expected: Recipe.Source?
  let picture: String

  init(
    _ what: String, _ path: String?, _ openPath: String, _ expected: Recipe.Source?,
    _ picture: String?
  ) throws {
    self.what = what
    catalog = try TensorCatalog.open(openPath)
    source = Recipe.Source(path, catalog)
    self.expected = expected
    self.picture = picture ?? ""
    try check(source)
  }

  func check(_ source: Recipe.Source) throws {
    if let expected { try source.check(against: expected, what: what, picture: picture) }
  }

  func hashed() throws -> Recipe.Source {
    let source = try source.hashed(catalog)
    try check(source)
    return source
  }
}
