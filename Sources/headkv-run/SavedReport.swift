import HeadKV

/// Pictures in part, as `inspect` tells of them.
struct SavedReport: Encodable {
  let pictures: Int
  /// Of each picture, and of the whole one.
  let tokens: Int
  let tokensOfWhole: Int
  /// What the caches take.
  let cacheBytes: Int
  let liveRows: Int
  let recipe: Recipe

  init(_ saved: SavedPictures) {
    pictures = saved.pictures.count
    tokens = saved.pictures.first?.tokens.count ?? 0
    tokensOfWhole = saved.recipe.gridWidth * saved.recipe.gridHeight
    let caches = saved.pictures.flatMap(\.caches)
    cacheBytes = caches.reduce(0) { $0 + $1.byteCount }
    liveRows = caches.reduce(0) { $0 + $1.liveRows }
    recipe = saved.recipe
  }

  /// In a line.
  var kind: String {
    "\(pictures) picture\(pictures == 1 ? "" : "s") in part: \(tokens) of \(tokensOfWhole) tokens, caches of "
      + "\(liveRows) rows, \(Output.bytes(cacheBytes))"
  }
}
