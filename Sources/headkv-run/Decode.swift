import ArgumentParser
import HeadKV

struct Decode: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Decode tokens to pictures.")

  @Argument(help: "Safetensors with tokens [N,T].", completion: .safetensors)
  var tokens: String

  @OptionGroup(title: "Run options") var common: CommonOptions

  @OptionGroup var tokenizer: TokenizerOptions

  @Option(
    help: ArgumentHelp(
      "Columns of the token grid. (default: those of a square)", valueName: "tokens"))
  var grid: Int?

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp(
      "PNG to write: a sheet, or a file for each picture with %d or %03d in its name.",
      valueName: "file"),
    completion: .pictures)
  var output = "headkv.png"

  @Option(help: ArgumentHelp("Columns of the sheet.", valueName: "number"))
  var columns = 8

  @Option(
    help: ArgumentHelp("Pictures to decode at most. (default: all)", valueName: "number"))
  var limit: Int?

  func validate() throws {
    if let grid, !(1...1024).contains(grid) { throw ValidationError("--grid must be 1 to 1024") }
    if let limit, limit < 1 { throw ValidationError("--limit must be at least 1") }
    if columns < 1 { throw ValidationError("--columns must be at least 1") }
  }

  func run() throws {
    let paths = try OutputPaths(output)
    try paths.check()
    let set = try TokenSet(reading: tokens)
    let tokenizer = try self.tokenizer.load(threads: common.threadCount)
    var pictures: [RGBImage] = []
    for row in set.tokens.prefix(limit ?? Int.max) {
      if Interrupt.isRequested { throw GenerationCancelled() }
      let side = grid ?? Int(Double(row.count).squareRoot().rounded())
      guard side > 0, row.count % side == 0, grid != nil || side * side == row.count else {
        throw OptionError("\(tokens): a picture", "\(row.count) tokens", "a square grid (or say --grid)")
      }
      pictures.append(
        try tokenizer.image(
          tokens: row, width: side, height: row.count / side, threads: common.threadCount ?? 2))
    }
    guard !pictures.isEmpty else { throw OptionError("\(tokens): pictures", "0", "at least one") }
    let written = try paths.write(pictures, columns: columns) { _ in [] }
    if common.json { try Output.json(["files": written]) }
    for path in written {
      Output.text("wrote \(path)", json: common.json, quiet: common.quiet)
    }
  }
}
