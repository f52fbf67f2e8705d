import Foundation
internal import HeadKVFiles
import HeadKVImage
import HeadKVMath
import HeadKVWeights

extension Recipe {
  /// The kernels that draw in this process, as a recipe names them.
  public static var kernelsInUse: String { Kernels.instructionSet }
}

extension Recipe.Source {
  /// Names the files that hold what was opened, by size; they are still to be hashed.
  ///
  /// - Parameter path: as it was asked for; nil for what comes with the package.
  public init(_ path: String?, _ catalog: TensorCatalog) {
    self.init(
      path: path,
      files: catalog.paths.map { path in
        let attributes = try? FileManager.default.attributesOfItem(atPath: path)
        return Recipe.File(
          name: path.split(separator: "/").last.map(String.init) ?? path,
          bytes: (attributes?[.size] as? NSNumber)?.intValue ?? 0, sha256: "")
      })
  }

  /// The same with the SHA-256 of each file.
  ///
  /// - Complexity: reads all bytes.
  /// - Throws: ``ImageError`` naming the file and the system's reason.
  public func hashed(_ catalog: TensorCatalog) throws(ImageError) -> Recipe.Source {
    var source = self
    for (index, path) in catalog.paths.enumerated() {
      do { source.files[index].sha256 = try SHA256.digest(ofFile: path) } catch {
        throw ImageError("\(error)")
      }
    }
    return source
  }

  /// Throws if these are not the files that `recipe` names: by size, and where both are known by
  /// SHA-256.
  ///
  /// - Parameters:
  ///   - what: what it is, for the message, such as "gpt".
  ///   - picture: the file of the recipe.
  public func check(
    against recipe: Recipe.Source, what: String, picture: String
  ) throws(RecipeError) {
    func refused(_ reason: String) -> RecipeError { RecipeError(file: picture, reason: reason) }
    guard files.count == recipe.files.count else {
      throw refused(
        "drawn with a \(what) of \(recipe.files.count) files; \(path ?? "the bundled one") has \(files.count)")
    }
    for (found, wanted) in zip(files, recipe.files) {
      guard found.bytes == wanted.bytes else {
        throw refused(
          "drawn with another \(what): \(wanted.name) of \(wanted.bytes) bytes; \(path ?? found.name) has \(found.bytes)")
      }
      guard found.sha256.isEmpty || wanted.sha256.isEmpty || found.sha256 == wanted.sha256 else {
        throw refused(
          "drawn with another \(what): \(wanted.name) of SHA-256 \(wanted.sha256); \(path ?? found.name) has \(found.sha256)")
      }
    }
  }
}
