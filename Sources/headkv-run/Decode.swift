import ArgumentParser
import HeadKV

struct Decode: ParsableCommand {
  static let configuration = CommandConfiguration(abstract: "Decode a tokens file to a PNG.")

  @Argument(help: "Tokens file (safetensors: tokens [N,T]).")
  var tokens: String

  @OptionGroup var model: ModelOptions
  @OptionGroup var common: CommonOptions

  @Option(name: .shortAndLong, help: "PNG: a sheet, or one file each with %d or %03d.")
  var output = "headkv.png"

  @Option(help: "Columns of the sheet.")
  var columns = 8

  @Option(help: "Pictures to decode at most.")
  var limit: Int?

  func run() throws {
    let paths = try OutputPaths(output)
    try paths.check()
    let set = try TokenSet(reading: tokens)
    let tokenizer = try model.loadTokenizer()
    var pictures: [RGBImage] = []
    for row in set.tokens.prefix(limit ?? Int.max) {
      if Interrupt.isRequested { throw GenerationCancelled() }
      let side = model.grid ?? Int(Double(row.count).squareRoot().rounded())
      guard side > 0, row.count % side == 0, model.grid != nil || side * side == row.count else {
        throw OptionError("\(tokens): a picture", "\(row.count) tokens", "a square grid (or say --grid)")
      }
      pictures.append(
        try tokenizer.image(
          tokens: row, width: side, height: row.count / side, threads: common.threadCount ?? 2))
    }
    guard !pictures.isEmpty else { throw OptionError("\(tokens): pictures", "0", "at least one") }
    let written = try paths.write(pictures, columns: max(columns, 1), text: [])
    if common.json { try Output.json(["files": written]) }
    for path in written {
      Output.text("wrote \(path)", json: common.json, quiet: common.quiet)
    }
  }
}
