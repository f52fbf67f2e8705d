import ArgumentParser
import HeadKV

struct Tokenize: ParsableCommand {
  static let configuration = CommandConfiguration(abstract: "Encode pictures to tokens.")

  @Argument(help: "PNG files of one size.", completion: .pictures)
  var pictures: [String]

  @OptionGroup(title: "Run options") var common: CommonOptions

  @OptionGroup var tokenizer: TokenizerOptions

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp("Safetensors to write, with tokens [N,T].", valueName: "file"),
    completion: .safetensors)
  var output = "tokens.safetensors"

  func run() throws {
    try OutputPaths.checkDirectory(of: output)
    let tokenizer = try self.tokenizer.load(threads: common.threadCount)
    var rows: [[Int32]] = []
    for path in pictures {
      if Interrupt.isRequested { throw GenerationCancelled() }
      let picture = try PNG.read(path)
      rows.append(try tokenizer.tokens(of: picture, threads: common.threadCount ?? 2))
      guard rows[0].count == rows.last?.count else {
        throw OptionError("\(path): size", "\(picture.width)x\(picture.height)", "that of the first")
      }
    }
    try TokenSet.write(tokens: rows, classes: [], to: output)
    if common.json { try Output.json(["files": [output]]) }
    Output.text(
      "wrote \(output): \(rows.count) x \(rows[0].count) tokens", json: common.json,
      quiet: common.quiet)
  }
}
