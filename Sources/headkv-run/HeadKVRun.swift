import ArgumentParser
import Foundation
import HeadKV

@main
struct HeadKVRun: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "headkv-run",
    abstract: "Draws pictures with autoregressive models in a fraction of their KV cache.",
    version: "0.1.0",
    subcommands: [
      Generate.self, Decode.self, Tokenize.self, Pack.self, Inspect.self, Evaluate.self,
      Compare.self, Profile.self, Policies.self,
    ],
    defaultSubcommand: Generate.self)

  /// Exit codes: 0, 1 for bad input, 64 for wrong usage, 130 after Ctrl-C.
  static func main() {
    ProcessClock.enterMain()
    Interrupt.install()
    do {
      var command = try parseAsRoot()
      try command.run()
    } catch is GenerationCancelled {
      Output.error("cancelled; no output was written")
      Foundation.exit(130)
    } catch {
      exit(withError: error)
    }
  }
}
