import ArgumentParser
import Foundation
import HeadKV

struct Pack: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Write a GPT as it lies in memory, so that the next start maps it.",
    discussion: """
      --precision says in what: f32, bf16, bf12 or int8. The file holds everything the GPT needs, so no \
      --heads, --grid or config.json is wanted any more: headkv-run --gpt c2i_B_256.headkv --vq \
      vq_ds16_c2i.pt. It is a safetensors file that \
      other tools can list, the same on every processor, and names what it was made from.
      """)

  @OptionGroup(title: "Model options") var model: ModelOptions
  @OptionGroup(title: "Run options") var common: CommonOptions

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp("File to write, such as c2i_B_256.headkv.", valueName: "file"),
    completion: .file(extensions: ["headkv"]))
  var output: String

  func validate() throws {
    if model.held == .auto {
      throw ValidationError("--precision must say in what to pack: f32, bf16, bf12 or int8")
    }
  }

  func run() throws {
    try OutputPaths.checkDirectory(of: output)
    let start = Date()
    let path = model.gpt ?? BundledFiles.path("gpt.safetensors")
    let source = try TensorCatalog.open(path)
    let image = try model.load(needsTokenizer: false, threads: common.threadCount)
    if Interrupt.isRequested { throw GenerationCancelled() }
    try image.gpt.writePacked(
      to: output, source: source, classNames: image.classNames, threads: common.threadCount)
    let report = PackReport(
      file: output, source: source.path, precision: model.held.rawValue,
      bytes: try TensorCatalog.open(output).tensors.reduce(0) { $0 + $1.byteCount },
      seconds: Date().timeIntervalSince(start))
    if common.json { try Output.json(report) }
    Output.text(
      "\(image.gpt.configuration.summary)\nwrote \(output): \(report.precision), \(Output.bytes(report.bytes))"
        + String(format: ", in %.1f s", report.seconds), json: common.json, quiet: common.quiet)
  }
}

private struct PackReport: Encodable {
  let file: String
  let source: String
  let precision: String
  let bytes: Int
  let seconds: Double
}
