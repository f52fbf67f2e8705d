import ArgumentParser
import HeadKV

/// The files that `generate` writes.
struct GenerateFiles: ParsableArguments {
  @Option(
    name: .shortAndLong,
    help: ArgumentHelp(
      "PNG to write: a sheet, or a file for each picture with %d or %03d in its name. (default: "
        + "headkv.png, unless there is --tokens-out)", valueName: "file"),
    completion: .pictures)
  var output: String?

  @Option(
    help: ArgumentHelp(
      "Write the tokens: safetensors with tokens [N,T] and classes [N].", valueName: "file"),
    completion: .safetensors)
  var tokensOut: String?

  @Option(
    help: ArgumentHelp(
      "Columns of the sheet. (default: as many as suit the classes)", valueName: "number"))
  var columns: Int?

  @Option(
    help: ArgumentHelp(
      "While drawing, show the finished lines of the batch in progress in this PNG; at the end it "
        + "holds the last batch, finished.", valueName: "file"),
    completion: .pictures)
  var preview: String?

  @Option(
    help: ArgumentHelp(
      "Lines of the token grid from one preview to the next.", valueName: "lines"))
  var previewEvery = 2

  @Option(
    help: ArgumentHelp(
      "Write a page on the run (HTML); draws the pictures with the full cache, too.",
      valueName: "file"),
    completion: .pages)
  var report: String?

  @Option(
    help: ArgumentHelp(
      "With --report: a folder for each figure as PNG and SVG.", valueName: "folder"),
    completion: .directory)
  var figures: String?

  func validate() throws {
    if figures != nil && report == nil { throw ValidationError("--figures goes with --report") }
    if let columns, columns < 1 { throw ValidationError("--columns must be at least 1") }
    guard previewEvery >= 1 else { throw ValidationError("--preview-every must be at least 1") }
  }

  var wantsPictures: Bool { output != nil || tokensOut == nil || report != nil || preview != nil }

  var writesPictures: Bool { output != nil || tokensOut == nil || report != nil }

  /// Fails before the work if a file cannot be written.
  ///
  /// - Parameter saved: the file of pictures in part, which takes the place of pictures.
  func check(_ series: SeriesOptions, saving saved: String?) throws {
    if saved == nil && writesPictures {
      let paths = try paths()
      if let flag = series.needsFiles, !paths.isSeries {
        throw OptionError("-o", output ?? "headkv.png", "a name with %d or %05d, for \(flag)")
      }
      try paths.check()
    } else if series.resume || series.manifest != nil {
      throw OptionError("-o", "absent", "given, for \(series.needsFiles ?? "")")
    }
    for path in [tokensOut, report, preview, series.manifest, saved].compactMap({ $0 }) {
      try OutputPaths.checkDirectory(of: path)
    }
  }

  /// Where the manifest goes, if there is to be one.
  func manifest(_ series: SeriesOptions) throws -> String? {
    if let path = series.manifest { return path }
    guard writesPictures, series.needsFiles != nil else { return nil }
    return try paths().manifest(of: series.shard == nil ? nil : series.part)
  }

  func paths() throws -> OutputPaths { try OutputPaths(output ?? "headkv.png") }

  /// Writes the tokens, if they are wanted; returns the files.
  func writeTokens(_ images: [GeneratedImage], classes: [Int]) throws -> [String] {
    guard let tokensOut else { return [] }
    try TokenSet.write(tokens: images.map(\.tokens), classes: classes, to: tokensOut)
    return [tokensOut]
  }

  /// Writes the sheet, if one is wanted, with its recipe; returns the files.
  func writeSheet(_ pictures: [RGBImage], columns: Int, _ recipe: Recipe) throws -> [String] {
    guard writesPictures else { return [] }
    return try paths().write(pictures, columns: columns) { _ in try recipe.texts() }
  }
}
