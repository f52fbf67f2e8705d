import HeadKV

extension FuzzTarget {
  /// A PNG file whose checksums are made right first: its texts, its pixels, and both once more.
  static let png = FuzzTarget("png") { bytes in
    let file = checksummed(bytes)
    _ = try PNG.text(in: file, name: "fuzz")
    guard file.count >= 24, size(file) <= 1 << 16 else { return }
    let image = try PNG.decode(file, name: "fuzz")
    let again = try PNG.decode(PNG.encode(image))
    try BrokenLaw.unless(again == image, "a picture that changes when it is written")
  }

  /// The recipe of a picture: what can be read can be written and read again.
  static let recipe = FuzzTarget("recipe") { bytes in
    let recipe = try Recipe(json: String(decoding: bytes, as: UTF8.self), file: "fuzz")
    let again = try Recipe(json: recipe.json(), file: "fuzz")
    try BrokenLaw.unless(again == recipe, "a recipe that reads otherwise once written")
    _ = try recipe.texts()
  }

  /// What people type: budgets and names of files.
  static let options = FuzzTarget("options") { bytes in
    let text = String(decoding: bytes, as: UTF8.self)
    let budget = try CacheBudget(parsing: text)
    let shape = SequenceShape(
      layers: 2, heads: 2, headDimension: 8, prefixRows: 1, grid: TokenGrid(width: 4, height: 4))
    let rows = try budget.rowsPerHead(shape)
    try BrokenLaw.unless((2...shape.fullRows).contains(rows), "\(rows) rows a head")
  }

  /// Width times height as the header has them.
  private static func size(_ file: [UInt8]) -> Int {
    func word(_ at: Int) -> Int { file[at..<at + 4].reduce(0) { $0 << 8 | Int($1) } }
    return word(16).multipliedReportingOverflow(by: word(20)).partialValue
  }

  private static func checksummed(_ bytes: [UInt8]) -> [UInt8] {
    guard bytes.count > 8 else { return bytes }
    var file = Array(bytes[..<8])
    var at = 8
    while bytes.count - at >= 12 {
      let length = bytes[at..<at + 4].reduce(0) { $0 << 8 | Int($1) }
      guard length <= bytes.count - at - 12 else { break }
      file += PNGChunks.make(
        bytes[at + 4..<at + 8], Array(bytes[at + 8..<at + 8 + length]))
      at += 12 + length
    }
    return file + bytes[at...]
  }
}
