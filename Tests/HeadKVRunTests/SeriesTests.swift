import Foundation
import HeadKV
import HeadKVTestSupport
import Testing

extension ToolTests {
  /// Series of pictures that are shared out, continued and accounted for.
  @Suite struct SeriesTests {
    private let drawing = ["--class", "0-3", "--count", "2", "--seed", "5", "--batch", "2"]

    private func run(_ arguments: [String], in folder: Scratch) throws -> Tool {
      let run = try Tool(drawing + ["-q", "-o", "p%02d.png"] + arguments, in: folder)
      #expect(run.code == 0, "\(run.errors)")
      return run
    }

    /// What people are told of a run that draws nothing.
    private func told(_ arguments: [String], in folder: Scratch) throws -> String {
      let run = try Tool(drawing + ["-o", "p%02d.png"] + arguments, in: folder)
      #expect(run.code == 0, "\(run.errors)")
      return run.output
    }

    private func bytes(_ folder: Scratch, _ name: String) throws -> Data {
      try Data(contentsOf: URL(fileURLWithPath: folder.file(name)))
    }

    private func lines(_ folder: Scratch, _ name: String) throws -> [String] {
      let text = String(decoding: try bytes(folder, name), as: UTF8.self)
      #expect(text.isEmpty || text.hasSuffix("\n"))
      return text.split(separator: "\n").map(String.init)
    }

    private func numbers(_ lines: [String]) throws -> [Int] {
      try lines.map {
        let entry = try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any]
        return try #require(entry?["number"] as? Int)
      }
    }

    private let names = (0..<8).map { "p0\($0).png" }

    /// All parts together are the whole: the same files, and the same lines of the manifests.
    @Test func shardsAreTheWholeRun() throws {
      let (whole, parts) = (try Scratch(), try Scratch())
      let summary = try run(["--manifest", "all.jsonl", "--json"], in: whole)
      #expect(try JSONSchema(named: "generate").problems(of: summary.output) == [])
      var all: [String] = []
      for part in 1...3 {
        let run = try run(["--shard", "\(part)/3", "--json"], in: parts)
        #expect(try JSONSchema(named: "generate").problems(of: run.output) == [])
        let found = try lines(parts, "p-manifest-\(part)-of-3.jsonl")
        #expect(try numbers(found) == Array(stride(from: part - 1, to: 8, by: 3)))
        all += found
      }
      for name in names { #expect(try bytes(parts, name) == bytes(whole, name)) }
      let manifest = try lines(whole, "all.jsonl")
      #expect(manifest.sorted() == all.sorted() && manifest.count == 8)
      for line in manifest { #expect(try JSONSchema(named: "manifest").problems(of: line) == []) }
      #expect(try numbers(manifest) == Array(0..<8))
      // Five parts more than there are pictures: nothing to draw is no error.
      #expect(try run(["--shard", "13/13"], in: parts).code == 0)
      #expect(try lines(parts, "p-manifest-13-of-13.jsonl") == [])
      #expect(
        try told(["--shard", "13/13"], in: parts)
          .contains("\nnothing to draw: there are no pictures of shard 13/13\n"))
      #expect(
        try told(["--shard", "3/3", "--resume"], in: parts)
          .contains("\nnothing left to draw: all 2 pictures of shard 3/3 are there\n"))
    }

    /// What is there and whole stays; what is missing or torn is drawn again, to the same bytes.
    @Test func resumes() throws {
      let folder = try Scratch()
      _ = try run(["--resume"], in: folder)
      let before = try names.map { try bytes(folder, $0) }
      let manifest = try lines(folder, "p-manifest.jsonl")
      try FileManager.default.removeItem(atPath: folder.file("p02.png"))
      try folder.write("p05.png", Array(before[5].prefix(before[5].count - 20)))
      var damaged = [UInt8](before[6])
      damaged[damaged.count / 2] ^= 1
      try folder.write("p06.png", damaged)
      try FileManager.default.removeItem(atPath: folder.file("p-manifest.jsonl"))

      let again = try run(["--resume", "--json"], in: folder)
      let summary = try again.json()
      #expect(summary["images"] as? Int == 3 && summary["skipped"] as? Int == 5)
      #expect(try names.map { try bytes(folder, $0) } == before)
      #expect(try lines(folder, "p-manifest.jsonl") == manifest)

      let nothing = try run(["--resume", "--json"], in: folder)
      let rest = try nothing.json()
      #expect(rest["images"] as? Int == 0 && rest["skipped"] as? Int == 8)
      #expect(try JSONSchema(named: "generate").problems(of: nothing.output) == [])
      let said = try told(["--resume"], in: folder)
      #expect(said.contains("\nnothing left to draw: all 8 pictures are there\n"))
      #expect(!said.contains("tokens/s"))
      #expect(try names.map { try bytes(folder, $0) } == before)
      #expect(try lines(folder, "p-manifest.jsonl") == manifest)
    }

    /// A picture that is whole and another one is never overwritten, and nothing is drawn beside it.
    @Test func otherPicturesAreErrors() throws {
      let folder = try Scratch()
      _ = try run(["--shard", "2/4"], in: folder)
      let before = try bytes(folder, "p01.png")
      for (flags, says) in [
        (["--top-k", "50"], "p01.png: drawn with another recipe than this run's: top-k 2000, not 50"),
        (["--seed", "6", "--kv-budget", "1/6"], "seed 6, not 7, kv-budget everything, not 1/6"),
        (["--cfg-scale", "2"], "cfg-scale 4.0, not 2.0"),
        (["--precision", "int8"], "precision auto, not int8"),
      ] {
        let other = try Tool(drawing + flags + ["-o", "p%02d.png", "--resume"], in: folder)
        #expect(other.code == 1 && other.errors.contains(says), "\(other.errors)")
        #expect(try bytes(folder, "p01.png") == before)
      }
      #expect(try folder.files == ["p-manifest-2-of-4.jsonl", "p01.png", "p05.png"])
      let foreign = try Scratch()
      try PNG.write(
        RGBImage(width: 4, height: 4, filledWith: (9, 9, 9)), to: foreign.file("p03.png"))
      let refused = try Tool(drawing + ["-o", "p%02d.png", "--resume"], in: foreign)
      #expect(refused.code == 1 && refused.errors.contains("p03.png: carries no recipe"))
      #expect(try foreign.files == ["p03.png"])
    }

    /// A run that is ended keeps its finished batches, and the next one draws the rest.
    @Test func anInterruptLosesOneBatch() throws {
      let folder = try Scratch()
      let flags = ["--class", "1", "--count", "40", "--batch", "2", "-o", "p%02d.png", "--resume"]
      let ended = try Tool(
        flags, in: folder,
        interruptOnce: { FileManager.default.fileExists(atPath: folder.file("p03.png")) })
      #expect(ended.code == 130 && ended.errors.contains(" pictures were written"))
      let left = try folder.files.filter { $0.hasSuffix(".png") }
      #expect(left.count >= 4 && left.count < 40 && left.count % 2 == 0)
      #expect(try lines(folder, "p-manifest.jsonl").count == left.count)
      let rest = try Tool(flags + ["--json"], in: folder)
      #expect(try rest.json()["images"] as? Int == 40 - left.count)
      #expect(try numbers(lines(folder, "p-manifest.jsonl")) == Array(0..<40))
      let whole = try Scratch()
      #expect(try Tool(flags + ["--batch", "16"], in: whole).code == 0)
      for index in [0, 5, 39] {
        let name = index < 10 ? "p0\(index).png" : "p\(index).png"
        #expect(try bytes(folder, name) == bytes(whole, name))
      }
    }

    /// Tokens of a series are written as ever.
    @Test func tokensOfAShard() throws {
      let folder = try Scratch()
      _ = try run(["--tokens-out", "all.safetensors"], in: folder)
      _ = try run(["--shard", "3/3", "--tokens-out", "part.safetensors"], in: folder)
      let all = try TokenSet(reading: folder.file("all.safetensors"))
      let part = try TokenSet(reading: folder.file("part.safetensors"))
      #expect(part.tokens == [all.tokens[2], all.tokens[5]] && part.classes == [1, 2])
    }

    @Test(arguments: [
      (["--shard", "0/4", "-o", "p%d.png"], 64, "'0/4'; it must be i/n"),
      (["--shard", "5/4", "-o", "p%d.png"], 64, "'5/4'"),
      (["--shard", "1/0", "-o", "p%d.png"], 64, "'1/0'"),
      (["--shard", "1/+4", "-o", "p%d.png"], 64, "'1/+4'"),
      (["--shard", "2", "-o", "p%d.png"], 64, "'2'"),
      (["--shard", "1/4"], 1, "-o is headkv.png; it must be a name with %d"),
      (["--resume", "-o", "a.png"], 1, "-o is a.png"),
      (["--manifest", "m.jsonl", "--tokens-out", "t"], 1, "-o is absent"),
      (["--manifest", "no/m.jsonl", "-o", "p%d.png"], 1, "no/m.jsonl"),
      (["--resume", "--tokens-out", "t", "-o", "p%d.png"], 64, "--resume does not go with"),
      (["--max-memory", "1/6"], 64, "--max-memory is '1/6'"),
      (["--max-memory", "4GiB", "--report", "r.html"], 64, "--report"),
      (["--max-memory", "8MiB"], 1, "not even one picture at a time fits in 8.0 MiB"),
    ]) func refused(arguments: [String], code: Int, says: String) throws {
      let folder = try Scratch()
      let run = try Tool(arguments, in: folder)
      #expect(run.code == Int32(code) && run.errors.contains(says), "\(run.errors)")
      #expect(try folder.files == [] && run.output.isEmpty)
    }
  }

  /// The lines of `Documentation/many-pictures.md`, run in a shell as they stand there.
  @Suite struct ManyPicturesTests {
    private func page() throws -> String {
      try String(
        contentsOf: JSONSchema.folder.deletingLastPathComponent()
          .appendingPathComponent("many-pictures.md"), encoding: .utf8)
    }

    /// The block of the page that holds `text`, without the indentation of its first line.
    private func block(_ text: String) throws -> String {
      let blocks = try page().components(separatedBy: "```").enumerated().filter { $0.offset % 2 == 1 }
      let block = try #require(blocks.map(\.element).first { $0.contains(text) })
      return block.drop { $0 != "\n" }.dropFirst().description
    }

    private func shell(_ script: String, in folder: Scratch, _ more: [String: String]) throws -> Tool {
      let tools = URL(fileURLWithPath: Tool.path).deletingLastPathComponent().path
      let path = tools + ":" + (ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin")
      return try Tool(
        at: "/bin/sh", ["-c", script], in: folder,
        environment: ["PATH": path, "SHARDS": "3", "COUNT": "1"].merging(more) { $1 })
    }

    private func pictures(_ folder: Scratch) throws -> [String] {
      try FileManager.default.contentsOfDirectory(atPath: folder.file("out"))
        .filter { $0.hasSuffix(".png") }.sorted()
    }

    @Test func aLoopAndItsCheck() throws {
      let folder = try Scratch()
      let loop = try shell(block("# One shard after the other"), in: folder, [:])
      #expect(loop.code == 0, "\(loop.errors)")
      #expect(try pictures(folder) == (0..<10).map { "p-0000\($0).png" })
      let check = try shell(block("# Pictures by the manifests"), in: folder, [:])
      #expect(check.code == 0 && check.errors.isEmpty, "\(check.errors)")
      let lines = check.output.split(separator: "\n")
      #expect(lines.first?.contains("10") ?? false && lines.last == "whole" && lines.count == 3)
    }

    @Test func aJobOfAnArray() throws {
      let folder = try Scratch()
      let script = try block("#SBATCH --array")
      for index in 1...3 {
        let job = try shell(script, in: folder, ["SLURM_ARRAY_TASK_ID": "\(index)"])
        #expect(job.code == 0, "\(job.errors)")
      }
      #expect(try pictures(folder).count == 10)
    }

    @Test func aPodOfAJob() throws {
      let folder = try Scratch()
      let yaml = try block("completionMode: Indexed").split(separator: "\n")
      let start = try #require(yaml.firstIndex { $0.hasSuffix("- |") }) + 1
      let depth = yaml[start].prefix { $0 == " " }.count
      let script = yaml[start...].prefix { $0.prefix(depth).allSatisfy { $0 == " " } }
        .map { String($0.dropFirst(depth)) }.joined(separator: "\n")
      for index in 0..<3 {
        let pod = try shell(script, in: folder, ["JOB_COMPLETION_INDEX": "\(index)"])
        #expect(pod.code == 0, "\(pod.errors)")
      }
      #expect(try pictures(folder).count == 10)
    }
  }
}
