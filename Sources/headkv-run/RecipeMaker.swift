import HeadKV
import HeadKVBench

/// What the recipes of a run's pictures say, once the files that they come from are hashed.
struct RecipeMaker {
  let hashing: WeightHashing
  let precision: WeightPrecision
  let configuration: GPTConfiguration
  let options: GenerationOptions
  /// Of a sheet.
  let columns: Int

  /// The recipe of all of `pictures`; waits for the hashes.
  func recipe(of pictures: PictureList) throws -> Recipe {
    let sources = try hashing.value()
    return Recipe(
      software: "headkv-run \(ToolVersion.number)", kernels: Recipe.kernelsInUse,
      gpt: sources.gpt, vq: sources.vq, captions: sources.captions, precision: precision.rawValue,
      configuration: configuration, options: options, pictures: pictures.entries,
      columns: pictures.entries.count > 1 ? columns : nil)
  }
}
