import ArgumentParser
import Foundation
import HeadKV

@main
struct HeadKVRun: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "headkv-run",
    abstract: "Draws pictures with autoregressive models in a fraction of their KV cache.",
    version: "0.1.0",
    subcommands: [Generate.self, Decode.self, Tokenize.self, Inspect.self, Evaluate.self],
    defaultSubcommand: Generate.self)

  static func main() {
    Interrupt.install()
    do {
      var command = try parseAsRoot()
      do {
        try command.run()
      } catch is GenerationCancelled {
        Output.error("cancelled; no output was written")
        Foundation.exit(130)
      } catch let error where error is CleanExit || error is ExitCode || error is ValidationError {
        throw error
      } catch {
        Output.error("\(error)")
        Foundation.exit(1)
      }
    } catch {
      exit(withError: error)
    }
  }
}
