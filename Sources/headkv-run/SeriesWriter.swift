import HeadKV

/// Writes a series of pictures, a file each, batch by batch as they are drawn.
final class SeriesWriter {
  private let paths: OutputPaths
  /// Of the pictures that are drawn, as their files are named.
  private let numbers: [Int]
  private let manifest: Manifest?
  private let decode: ([GeneratedImage]) throws -> [RGBImage]
  /// Of the pictures that are drawn, in their order; asked for with the first batch.
  private let makeRecipe: () throws -> Recipe
  private var recipe: (whole: Recipe, settings: String)?
  /// The files written so far.
  private(set) var files: [String] = []
  /// The pictures of the last batch, and what is stored with a sheet of them.
  private(set) var last: (pictures: [RGBImage], text: [(String, String)]) = ([], [])

  init(
    _ paths: OutputPaths, numbers: [Int], manifest: Manifest?,
    decode: @escaping ([GeneratedImage]) throws -> [RGBImage],
    recipe: @escaping () throws -> Recipe
  ) {
    self.paths = paths
    self.numbers = numbers
    self.manifest = manifest
    self.decode = decode
    makeRecipe = recipe
  }

  /// Writes the pictures from the `first` that is drawn on, then their lines of the manifest.
  func write(_ images: [GeneratedImage], from first: Int) throws {
    let pictures = try decode(images)
    let (recipe, settings) = try knownRecipe()
    var entries: [ManifestEntry] = []
    for (offset, picture) in pictures.enumerated() {
      let (own, number) = (recipe.alone(first + offset), numbers[first + offset])
      let bytes = try PNG.encode(picture, text: own.texts())
      try PNG.write(encoded: bytes, to: paths.path(number))
      files.append(paths.path(number))
      entries.append(
        ManifestEntry(
          number, file: paths.path(number), bytes: bytes, recipe: own, settings: settings))
    }
    try manifest?.add(entries)
    last = (pictures, try recipe.only(first..<first + pictures.count).texts())
  }

  private func knownRecipe() throws -> (Recipe, String) {
    if let recipe { return recipe }
    let whole = try makeRecipe()
    let known = (whole: whole, settings: try whole.settingsDigest())
    recipe = known
    return known
  }
}
