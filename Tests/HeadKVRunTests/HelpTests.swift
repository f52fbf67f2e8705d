import Foundation
import HeadKV
import HeadKVTestSupport
import Testing

extension ToolTests {
  @Suite struct HelpTests {
    private func say(_ arguments: [String], isa: String = "") throws -> String {
      let run = try Tool(
        arguments, in: Scratch(), environment: ["COLUMNS": "80", "HEADKV_ISA": isa])
      #expect(run.code == 0, "\(run.errors)")
      return run.output
    }

    /// To renew the files: `HEADKV_RENEW_HELP=1 swift test -c release --filter HelpTests`.
    @Test func everyHelpIsAsPinned() throws {
      let help = PinnedHelp(beside: #filePath)
      #expect(try help.differences(of: "headkv-run") { try say($0) } == [])
    }

    @Test func versionSaysWhatFiguresDependOn() throws {
      let lines = try say(["--version"], isa: "portable").split(separator: "\n")
      #expect(lines.count == 4)
      #expect(lines[0].wholeMatch(of: /headkv-run \d+\.\d+\.\d+/) != nil)
      #expect(lines[1].contains(/^OpenBLAS: \d+\.\d/))
      #expect(lines[2].contains(/processor: \d+ to use/))
      #expect(lines[3].hasPrefix("kernels: portable (of portable"))
      // Every subcommand says the same.
      #expect(try say(["policies", "--version"]).hasPrefix("headkv-run "))
    }

    /// A processor that the process may not use is not counted.
    @Test func affinityCounts() throws {
      let taskset = "/usr/bin/taskset"
      guard FileManager.default.isExecutableFile(atPath: taskset) else { return }
      let run = try Tool(at: taskset, ["-c", "0", Tool.path, "--version"], in: Scratch())
      // Where processor 0 is not to be had, it says so.
      #expect(run.code != 0 || run.output.contains("processor: 1 to use"))
    }

    @Test func picturesNameTheVersionOnOneLine() throws {
      let folder = try Scratch()
      #expect(try Tool(["--kv-policy", "full", "-o", "p.png"], in: folder).code == 0)
      let text = Dictionary(try PNG.text(at: folder.file("p.png"))) { a, _ in a }
      #expect(text["Software"]?.wholeMatch(of: /headkv-run \d+\.\d+\.\d+/) != nil)
    }

    /// Scripts are there for the three shells, and know subcommands, options and values.
    @Test(arguments: ["bash", "zsh", "fish"]) func completes(shell: String) throws {
      let script = try say(["--generate-completion-script", shell])
      for word in ["doctor", "kv-policy", "snapkv", "GPT-XXL", "int8", "safetensors", "strict"] {
        #expect(script.contains(word), "\(word)")
      }
    }

    /// What bash itself makes of the script, once a subcommand is named.
    @Test(arguments: [
      (["eval"], ["evaluate"]), (["compare", "--kv-policy", "sna"], ["snapkv"]),
      (["generate", "--gpt", "sh"], ["ships.safetensors"]),
      (["evaluate", "--kv-branches", "sh"], ["shared"]),
      (["generate", "--class", "s"], ["ship"]),
      (["generate", "--gpt", "other/gpt.pt", "--class", ""], ["all", "newt"]),
    ]) func bashCompletes(words: [String], to expected: [String]) throws {
      guard FileManager.default.isExecutableFile(atPath: "/bin/bash") else { return }
      let folder = try Scratch()
      try FileManager.default.createDirectory(
        atPath: folder.file("other"), withIntermediateDirectories: true)
      try folder.write("other/config.json", Array(#"{"classes": ["newt"]}"#.utf8))
      try folder.write("ships.safetensors", [])
      try folder.write("ships.txt", [])
      try folder.write(
        "script.bash", Array(try say(["--generate-completion-script", "bash"]).utf8))
      let asked = """
        source script.bash
        COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMP_LINE="$*"; COMP_POINT=${#COMP_LINE}
        _headkv-run "$1" "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD-1]}"
        printf '%s\\n' "${COMPREPLY[@]}"
        """
      let bash = try Tool(
        at: "/bin/bash", ["-c", asked, "bash", Tool.path] + words, in: folder)
      let found = bash.output.split(separator: "\n").map {
        $0.trimmingCharacters(in: .whitespaces)
      }
      #expect(found.sorted() == expected, "\(bash.errors)")
    }
  }
}
