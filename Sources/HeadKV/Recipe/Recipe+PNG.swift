import Foundation
internal import HeadKVFiles
import HeadKVImage

/// A recipe that is not there, or cannot be used.
public struct RecipeError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The picture.
  public let file: String
  public let reason: String

  public init(file: String, reason: String) {
    self.file = file
    self.reason = reason
  }

  public var description: String { "\(file): \(reason)".onOneLine }
}

extension Recipe {
  /// The key of the PNG's text that holds the recipe as JSON.
  public static let key = "headkv-recipe"
  /// Bytes of JSON at most, and pictures of a sheet.
  static let maxBytes = 16 << 20
  static let maxPictures = 100_000

  /// The recipe in a PNG file; nil if it has none.
  ///
  /// - Throws: ``ImageError`` if the file cannot be read or is damaged, ``RecipeError`` if its recipe
  ///   is.
  public static func find(in path: String) throws -> Recipe? {
    try find(among: PNG.text(at: path), file: path)
  }

  /// The recipe in the bytes of a PNG file; nil if it has none. Throws as ``find(in:)``.
  ///
  /// - Parameter file: where they are from, for messages.
  public static func find(in bytes: [UInt8], file: String) throws -> Recipe? {
    try find(among: PNG.text(in: bytes, name: file), file: file)
  }

  private static func find(among texts: [(String, String)], file path: String) throws -> Recipe? {
    let texts = texts.filter { $0.0 == key }
    guard let text = texts.first else { return nil }
    guard texts.count == 1 else {
      throw RecipeError(file: path, reason: "\(texts.count) recipes, where one is expected")
    }
    return try Recipe(json: text.1, file: path)
  }

  /// The recipe in a PNG file.
  ///
  /// - Throws: as ``find(in:)``, and ``RecipeError`` if there is none.
  public init(readingPNG path: String) throws {
    guard let recipe = try Self.find(in: path) else {
      throw RecipeError(file: path, reason: "this picture carries no recipe")
    }
    self = recipe
  }

  /// - Parameter file: where it was found, for messages.
  /// - Throws: ``RecipeError`` naming the field that is missing or out of range.
  public init(json: String, file: String) throws(RecipeError) {
    func refused(_ reason: String) -> RecipeError {
      RecipeError(file: file, reason: "its recipe cannot be used: \(reason)")
    }
    guard json.utf8.count <= Self.maxBytes else {
      throw refused("\(json.utf8.count) bytes, at most \(Self.maxBytes) are read")
    }
    do {
      self = try JSONDecoder().decode(Recipe.self, from: Data(json.utf8))
    } catch let error as DecodingError {
      throw refused(error.reason)
    } catch { throw refused("not JSON") }
    do { try check() } catch { throw refused("\(error)") }
  }

  /// The recipe as JSON of one line.
  public func json() throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return String(decoding: try encoder.encode(self), as: UTF8.self)
  }

  /// Texts for a PNG: the program, a title and a line for people, and the recipe.
  public func texts() throws -> [(String, String)] {
    [
      ("Software", software), ("Title", title), ("Description", summary), (Self.key, try json()),
    ]
  }

  private var title: String {
    pictures.count == 1 ? pictures[0].name : "\(pictures.count) pictures"
  }

  private func check() throws {
    _ = try options()
    func range(_ name: String, _ value: Int, _ range: ClosedRange<Int>) throws(OptionError) {
      guard range.contains(value) else {
        throw OptionError(
          name, "\(value)", "between \(range.lowerBound) and \(range.upperBound)")
      }
    }
    try range("pictures", pictures.count, 1...Self.maxPictures)
    try range("columns", columns ?? 1, 1...Self.maxPictures)
    try range("gridWidth", gridWidth, 1...1024)
    try range("gridHeight", gridHeight, 1...1024)
    try range("heads", heads, 1...4096)
    for source in [gpt, vq] + [captions].compactMap({ $0 }) {
      try range("files", source.files.count, 1...4096)
      for file in source.files {
        try range("bytes of a file", file.bytes, 0...Int.max)
        guard file.sha256.utf8.count == 64 else {
          throw OptionError("sha256", "of \(file.sha256.utf8.count) digits", "of 64")
        }
      }
    }
    for picture in pictures {
      guard (picture.category == nil) != (picture.caption == nil) else {
        throw OptionError("a picture", "not of one class or caption", "of either")
      }
      try range("class", picture.category ?? 0, 0...Int(Int32.max))
      try range("caption", picture.caption ?? 0, 0...Int(Int32.max))
      guard picture.caption == nil || captions != nil else {
        throw OptionError("captions", "absent", "there, for a picture drawn from one")
      }
      var tokens = 0
      for opening in picture.openings ?? [] {
        try range("tokens of an opening", opening.tokens, tokens + 1...gridWidth * gridHeight)
        tokens = opening.tokens
      }
    }
  }
}
