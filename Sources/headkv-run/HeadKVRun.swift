import ArgumentParser
import Foundation
import HeadKV
import HeadKVBench

@main
struct HeadKVRun: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "headkv-run",
    abstract: "Draws pictures with autoregressive models in a fraction of their KV cache.",
    discussion: """
      Without a subcommand it is generate that runs: headkv-run --class ship -o ship.png.
      """,
    version: ToolVersion.text(tool: "headkv-run"),
    subcommands: [],
    groupedSubcommands: [
      CommandGroup(
        name: "Picture", subcommands: [Generate.self, Decode.self, Tokenize.self]),
      CommandGroup(name: "Weight", subcommands: [Inspect.self, Pack.self]),
      CommandGroup(
        name: "Cache", subcommands: [Policies.self, Evaluate.self, Compare.self, Profile.self]),
      CommandGroup(name: "Machine", subcommands: [Doctor.self]),
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
      cancelled("no output was written")
    } catch let error as CancelledDrawing {
      cancelled(error.whatStays)
    } catch {
      exit(withError: error)
    }
  }

  private static func cancelled(_ what: String) -> Never {
    Output.error("cancelled; \(what)")
    // At once: what is still being decoded must not find the libraries torn down around it.
    _exit(130)
  }
}
