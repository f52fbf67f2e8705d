import Foundation
import HeadKV
import Testing

extension ToolTests {
  /// Pictures in part, as a user saves them and goes on.
  @Suite struct StateTests {
    private let drawing = [
      "generate", "--class", "ship", "-c", "1", "--seed", "7", "--cfg-scale", "2.3",
      "--cfg-interval", "150", "--top-k", "300", "--kv-budget", "1/8", "--kv-type", "bf16",
      "--precision", "int8", "-q",
    ]

    private func run(_ arguments: [String], _ folder: Scratch) throws {
      let run = try Tool(arguments, in: folder)
      #expect(run.code == 0, "\(run.errors)")
    }

    @Test func goesOnBitForBit() throws {
      let folder = try Scratch()
      try run(drawing + ["-o", "whole.png"], folder)
      for lines in ["1", "7", "12"] {
        try run(drawing + ["--stop-after", lines, "--save", "s.safetensors"], folder)
        try run(
          ["generate", "--continue", "s.safetensors", "-o", "c.png", "--batch", "1", "-q"], folder)
        #expect(try PNG.read(folder.file("c.png")) == PNG.read(folder.file("whole.png")))
        #expect(
          try Recipe(readingPNG: folder.file("c.png"))
            == Recipe(readingPNG: folder.file("whole.png")))
      }
      try run(
        [
          "generate", "--continue", "s.safetensors", "--stop-after", "14", "--save",
          "t.safetensors", "-q",
        ],
        folder)
      try run(["generate", "--continue", "t.safetensors", "-o", "c.png", "-q"], folder)
      #expect(try PNG.read(folder.file("c.png")) == PNG.read(folder.file("whole.png")))
      let said = try Tool(["inspect", "t.safetensors"], in: folder)
      #expect(said.code == 0 && said.output.contains("2 pictures in part: 224 of 256 tokens"))
      #expect(
        said.output.contains("no problems")
          && said.output.contains("ship, automobile, seeds 7 to 8"))
    }

    /// Pictures that begin alike, and their recipes, which need no saved file.
    @Test func variations() throws {
      let folder = try Scratch()
      try run(drawing + ["--stop-after", "6", "--save", "s.safetensors"], folder)
      try run(
        [
          "generate", "--continue", "s.safetensors", "--seed", "20", "--count", "2", "-o",
          "p%d.png", "-q",
        ], folder)
      let recipes = try (0..<4).map { try Recipe(readingPNG: folder.file("p\($0).png")) }
      #expect(recipes.map { $0.pictures[0].seed } == [20, 21, 22, 23])
      #expect(
        recipes.map { $0.pictures[0].openings }
          == [7, 7, 8, 8].map { [SeedOpening(tokens: 96, seed: $0)] })
      try run(["generate", "--like", "p3.png", "-o", "again.png", "-q"], folder)
      #expect(try PNG.read(folder.file("again.png")) == PNG.read(folder.file("p3.png")))
      // A series of them can be gone on with: what is there is known by its recipe.
      try FileManager.default.removeItem(atPath: folder.file("p1.png"))
      let resumed = try Tool(
        [
          "generate", "--continue", "s.safetensors", "--seed", "20", "--count", "2", "-o",
          "p%d.png", "--resume", "--json",
        ], in: folder)
      #expect(try resumed.json()["skipped"] as? Int == 3)
    }

    @Test(arguments: [
      (["--save", "s.safetensors"], "--stop-after and --save go together"),
      (["--stop-after", "3"], "--stop-after and --save go together"),
      (["--stop-after", "0", "--save", "s"], "--stop-after must be at least 1"),
      (["--stop-after", "16", "--save", "s"], "lines is 16; it must be between 1 and 15"),
      (
        ["--stop-after", "3", "--save", "s", "-o", "p.png"],
        "-o is given; it must be absent with --save"
      ),
      (["--stop-after", "3", "--save", "no/s"], "no/s: the folder is absent; it must be there"),
      (
        ["--continue", "saved", "--top-k", "5"],
        "--top-k is given; it must be absent with --continue"
      ),
      (
        ["--continue", "saved", "--kv-budget", "1/6"],
        "--kv-budget is given; it must be absent with --continue"
      ),
      (
        ["--continue", "saved", "--class", "1"],
        "--class is given; it must be absent with --continue"
      ),
      (
        ["--continue", "saved", "--stop-after", "2", "--save", "s"],
        "lines is 2; it must be between 3 and 15"
      ),
      (["--continue", "cut"], "cut: "),
      (["--continue", "tokens"], "tokens: the file is not one of saved pictures; it must be one"),
    ]) func refuses(_ arguments: [String], _ said: String) throws {
      let folder = try Scratch()
      try run(["--stop-after", "2", "--save", "saved", "-q"], folder)
      try run(["--tokens-out", "tokens", "-q"], folder)
      let bytes = try Data(contentsOf: URL(fileURLWithPath: folder.file("saved")))
      try bytes.prefix(bytes.count / 2).write(to: URL(fileURLWithPath: folder.file("cut")))
      let run = try Tool(["generate"] + arguments, in: folder)
      #expect(run.code != 0 && run.errors.contains(said), "\(run.errors)")
      #expect(!FileManager.default.fileExists(atPath: folder.file("headkv.png")))
    }

    /// Another model than the one that began is told by its file.
    @Test func anotherModel() throws {
      let folder = try Scratch()
      try run(["--stop-after", "2", "--save", "s", "-q"], folder)
      try run(["pack", "--precision", "bf16", "-o", "m.headkv", "-q"], folder)
      let other = try Tool(
        [
          "generate", "--continue", "s", "--gpt", "m.headkv", "--vq",
          BundledFiles.path("vq.safetensors"),
        ],
        in: folder)
      #expect(other.code == 0, "a packed copy draws on: \(other.errors)")
      let seen = try String(contentsOfFile: folder.file("s"), encoding: .isoLatin1)
      try seen.replacingOccurrences(of: "\\\"topK\\\":2000", with: "\\\"topK\\\":\\\"no\\\"").write(
        toFile: folder.file("x"), atomically: true, encoding: .isoLatin1)
      let damaged = try Tool(["generate", "--continue", "x"], in: folder)
      #expect(damaged.code == 1 && damaged.errors.split(separator: "\n").count == 1)
    }
  }
}
