import Foundation
import HeadKV
import HeadKVMath

/// Which pictures of a series are there already.
enum FinishedPictures {
  /// Looks at the file of each picture: one that is not there, or not a whole PNG, is to be drawn.
  ///
  /// - Parameters:
  ///   - recipes: as this run would draw them; not asked for if no file is there.
  /// - Returns: what a manifest says of those that are there, in the order of `pictures`; nil for
  ///   the others.
  /// - Throws: ``RecipeError`` naming a file that is whole and another picture, with what differs;
  ///   `GenerationCancelled`.
  static func find(
    _ paths: OutputPaths, _ pictures: PictureList, _ recipes: RecipeMaker, threads: Int
  ) throws -> [ManifestEntry?] {
    let numbers = pictures.numbers
    guard numbers.contains(where: { FileManager.default.fileExists(atPath: paths.path($0)) }) else {
      return Array(repeating: nil, count: numbers.count)
    }
    let recipe = try recipes.recipe(of: pictures)
    let settings = try recipe.settingsDigest()
    let found = WorkerPool(threads: threads).map(tasks: numbers.count) { index in
      Result { () throws -> ManifestEntry? in
        let path = paths.path(numbers[index])
        guard !Interrupt.isRequested, let data = FileManager.default.contents(atPath: path) else {
          return nil
        }
        return try look([UInt8](data), path, numbers[index], recipe.alone(index), settings)
      }
    }
    if Interrupt.isRequested { throw GenerationCancelled() }
    return try found.map { try $0.get() }
  }

  private static func look(
    _ bytes: [UInt8], _ path: String, _ number: Int, _ wanted: Recipe, _ settings: String
  ) throws -> ManifestEntry? {
    do { _ = try PNG.decode(bytes, name: path) } catch { return nil }
    guard let recipe = try Recipe.find(in: bytes, file: path) else {
      throw RecipeError(
        file: path, reason: "carries no recipe, so it is none of this run's pictures")
    }
    let differences = recipe.differences(from: wanted)
    guard differences.isEmpty else {
      throw RecipeError(
        file: path,
        reason: "drawn with another recipe than this run's: " + differences.joined(separator: ", "))
    }
    return ManifestEntry(number, file: path, bytes: bytes, recipe: recipe, settings: settings)
  }
}
