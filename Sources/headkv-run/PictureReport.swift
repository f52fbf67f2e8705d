import HeadKV

/// What `inspect` says of a picture: its size and how it was drawn.
struct PictureReport: Encodable {
  let file: String
  let width: Int
  let height: Int
  let recipe: Recipe?
  /// The other texts of the file.
  let text: [String: String]

  /// - Throws: ``ImageError`` if the file is no sound PNG, ``RecipeError`` if its recipe is broken.
  init(_ path: String) throws {
    let picture = try PNG.read(path)
    file = path
    width = picture.width
    height = picture.height
    recipe = try Recipe.find(in: path)
    text = Dictionary(
      try PNG.text(at: path).filter { $0.0 != Recipe.key }, uniquingKeysWith: { first, _ in first })
  }

  func say(_ common: CommonOptions) throws {
    if common.json { return try Output.json(self) }
    var lines = ["\(file): \(width)x\(height) pixels"]
    if let recipe {
      lines += recipe.lines
      lines.append("again: headkv-run generate --like \(file)")
    } else {
      lines += text.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value)" } + ["no recipe"]
    }
    Output.text(lines.joined(separator: "\n"), json: false, quiet: common.quiet)
  }
}
