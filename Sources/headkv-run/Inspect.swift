import ArgumentParser
import HeadKV

struct Inspect: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Say what a weight file holds, or how pictures were drawn.",
    discussion: """
      Of weights: model, tensors, types, bytes and problems; the exit code is 1 if there are \
      problems. Of a PNG: its size and the settings it was drawn with. Of saved pictures in part: \
      those, and what their caches hold.
      """)

  @Argument(
    help: "Weight file, PNG, or saved pictures. (default: the bundled GPT)",
    completion: .file(extensions: ["pt", "pth", "bin", "safetensors", "json", "headkv", "png"]))
  var file: String?

  @OptionGroup(title: "Model options") var model: ModelOptions
  @OptionGroup(title: "Run options") var common: CommonOptions

  @Flag(help: "List every tensor.")
  var tensors = false

  func run() throws {
    let path = file ?? model.gpt ?? BundledFiles.path("gpt.safetensors")
    if path.lowercased().hasSuffix(".png") { return try PictureReport(path).say(common) }
    let catalog = try TensorCatalog.open(path)
    var problems: [String] = []
    var kind = "unknown"
    var packed: PackedReport?
    var saved: SavedReport?
    if SavedPictures.recognises(catalog) {
      do {
        let report = SavedReport(try SavedPictures(catalog))
        kind = report.kind
        saved = report
      } catch { problems.append("\(error)") }
    } else if PackedHeader.isPresent(in: catalog) {
      do {
        let header = try PackedHeader(catalog)
        packed = PackedReport(header)
        let gpt = try GPT(catalog, hints: try model.hints(), precision: model.held)
        kind = gpt.configuration.summary
        problems += gpt.unexpected.map { "unexpected tensor \($0)" }
      } catch { problems.append("\(error)") }
      problems += GPT.damage(in: catalog, threads: common.threadCount).map(\.description)
    } else if GPTConfiguration.recognises(catalog) {
      var hints = try model.hints()
      if let sidecar = try GPTHints(beside: path) { hints = hints.filled(from: sidecar) }
      do {
        let gpt = try GPT(catalog, hints: hints)
        kind = gpt.configuration.summary
        problems += gpt.unexpected.map { "unexpected tensor \($0)" }
      } catch { problems.append("\(error)") }
    } else if VQTokenizer.isVQ(catalog) {
      do {
        let tokenizer = try VQTokenizer(catalog)
        kind =
          "VQ tokenizer: \(tokenizer.codebookSize) codes of \(tokenizer.codeDimension), \(tokenizer.downsampling) pixels a token, \(tokenizer.hasEncoder ? "with" : "without") encoder"
        problems += tokenizer.unexpected.map { "unexpected tensor \($0)" }
      } catch { problems.append("\(error)") }
    } else {
      problems.append("neither a LlamaGen GPT nor a VQ tokenizer nor saved pictures")
    }
    try report(catalog, kind, packed, saved, problems)
    if !problems.isEmpty { throw ExitCode(1) }
  }

  private func report(
    _ catalog: TensorCatalog, _ kind: String, _ packed: PackedReport?, _ saved: SavedReport?,
    _ problems: [String]
  ) throws {
    var types: [String: Int] = [:]
    for tensor in catalog.tensors { types[tensor.dtype.rawValue, default: 0] += 1 }
    let bytes = catalog.tensors.reduce(0) { $0 + $1.byteCount }
    if common.json {
      try Output.json(
        FileReport(
          file: catalog.path, format: catalog.format.rawValue, model: kind, packed: packed,
          saved: saved,
          tensorCount: catalog.tensors.count, bytes: bytes, types: types,
          skipped: catalog.skipped, problems: problems,
          tensors: tensors
            ? catalog.tensors.map {
              .init(name: $0.name, type: $0.dtype.rawValue, shape: $0.shape, bytes: $0.byteCount)
            } : nil))
      return
    }
    var lines = [
      "\(catalog.path): \(catalog.format.rawValue)", kind,
      "\(catalog.tensors.count) tensors, \(Output.bytes(bytes)): "
        + types.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }.joined(separator: ", "),
    ]
    if let packed { lines += packed.lines }
    if let saved {
      lines += saved.recipe.lines
      lines.append("go on: headkv-run generate --continue \(catalog.path)")
    }
    if !catalog.skipped.isEmpty {
      lines.append("skipped beside the model: \(catalog.skipped.joined(separator: ", "))")
    }
    if tensors {
      lines += catalog.tensors.map {
        "  \($0.name)  \($0.dtype.rawValue) \($0.shape)  \(Output.bytes($0.byteCount))"
      }
    }
    lines.append(problems.isEmpty ? "no problems" : "problems:")
    lines += problems.map { "  " + $0 }
    Output.text(lines.joined(separator: "\n"), json: false, quiet: common.quiet)
  }
}

private struct FileReport: Encodable {
  struct Tensor: Encodable {
    let name: String
    let type: String
    let shape: [Int]
    let bytes: Int
  }
  let file: String
  let format: String
  let model: String
  let packed: PackedReport?
  let saved: SavedReport?
  let tensorCount: Int
  let bytes: Int
  let types: [String: Int]
  let skipped: [String]
  let problems: [String]
  let tensors: [Tensor]?
}

/// What a packed file was made from.
private struct PackedReport: Encodable {
  struct Source: Encodable {
    let file: String
    let sha256: String
  }
  let precision: String
  let layout: Int
  let sources: [Source]
  let classNames: [String]

  init(_ header: PackedHeader) {
    precision = header.precision.rawValue
    layout = PackedHeader.layout
    sources = header.sources.map { Source(file: $0.name, sha256: $0.digest) }
    classNames = header.classNames
  }

  var lines: [String] {
    ["packed in \(precision), layout \(layout)"]
      + sources.map { "from \($0.file), SHA-256 \($0.sha256)" }
      + (classNames.isEmpty ? [] : ["classes: \(classNames.joined(separator: ", "))"])
  }
}
