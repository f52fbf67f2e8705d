import ArgumentParser
import HeadKVBench

@main
struct HeadKVBenchTool: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "headkv-bench",
    abstract: "Times drawing on random weights of published sizes.",
    discussion: """
      Lists are separated by commas; every combination is timed. Progress goes to standard error, \
      tables to where -o says. Each row carries the machine, the kernels, the threads, the commit of \
      the checkout that the tool lies in (else the tool's version) and the date.
      """,
    version: ToolVersion.text(tool: "headkv-bench"),
    subcommands: [Decode.self, Parts.self],
    defaultSubcommand: Decode.self)

  static func main() {
    Interrupt.install()
    main(nil)
  }
}
