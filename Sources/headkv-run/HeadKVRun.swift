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

  /// Exit codes: 0, 1 for bad input or a fault from outside, 64 for wrong usage, 130 after Ctrl-C,
  /// 143 after SIGTERM, 129 after SIGHUP.
  static func main() {
    ProcessClock.enterMain()
    Faults.install()
    Interrupt.install()
    do {
      var command = try parseAsRoot()
      try command.run()
      try Output.check()
    } catch is GenerationCancelled {
      cancelled("no output was written")
    } catch let error as CancelledDrawing {
      cancelled(error.whatStays)
    } catch {
      end(with: error)
    }
  }

  private static func cancelled(_ what: String) -> Never {
    Output.error("cancelled; \(what)")
    _exit(Interrupt.exitCode)
  }

  /// Says what the error has to say: help is one, too. Leaves the process as it is, as `cancelled`
  /// does: what is still being decoded must not find the libraries torn down around it, and where
  /// memory is short, OpenBLAS would wait for a thread that asks for memory forever.
  private static func end(with error: any Error) -> Never {
    let code = exitCode(for: error)
    let text = fullMessage(for: error)
    if !text.isEmpty {
      Output.write(text + "\n", to: code.isSuccess ? .standardOutput : .standardError)
    }
    if code.isSuccess, (try? Output.check()) == nil { _exit(ExitCode.failure.rawValue) }
    _exit(code.rawValue)
  }
}
