import Foundation
import HeadKV
import HeadKVTestSupport
import Testing

extension ToolTests {
  @Suite struct LikeTests {
    private let drawing = [
      "--class", "ship", "-c", "1-2", "--count", "2", "--seed", "7", "--cfg-scale", "2.3",
      "--cfg-interval", "150", "--temperature", "0.9", "--top-k", "300", "--top-p", "0.95",
      "--kv-policy", "auto", "--kv-budget", "1/8", "--kv-option", "growth=no", "--kv-cap", "strict",
      "--kv-branches", "shared", "--kv-type", "bf16", "--precision", "int8", "-q",
    ]

    /// A sheet and a picture of a series are repeated to the last bit, whatever batch and threads.
    @Test func repeatsBitForBit() throws {
      let folder = try Scratch()
      for output in ["sheet.png", "p%d.png"] {
        #expect(try Tool(drawing + ["-o", output], in: folder).code == 0)
      }
      for (like, other) in [("sheet.png", "a.png"), ("p3.png", "b.png")] {
        let run = try Tool(
          ["generate", "--like", like, "-o", other, "--batch", "1", "-t", "1", "-q"], in: folder)
        #expect(run.code == 0, "\(run.errors)")
        #expect(try PNG.read(folder.file(other)) == PNG.read(folder.file(like)))
        #expect(
          try Recipe(readingPNG: folder.file(other)) == Recipe(readingPNG: folder.file(like)))
      }
      let recipe = try Recipe(readingPNG: folder.file("p3.png"))
      #expect(recipe.pictures == [.init(category: 1, className: "automobile", seed: 10)])
      #expect(recipe.policyOptions == ["growth": "no", "cap": "strict"] && recipe.budget == "1/8")
    }

    /// Flags take the place of what the recipe says.
    @Test func flagsOverride() throws {
      let folder = try Scratch()
      #expect(try Tool(drawing + ["-o", "sheet.png"], in: folder).code == 0)
      func recipe(_ flags: [String]) throws -> Recipe {
        let run = try Tool(["--like", "sheet.png", "-o", "x.png", "-q"] + flags, in: folder)
        #expect(run.code == 0, "\(run.errors)")
        return try Recipe(readingPNG: folder.file("x.png"))
      }
      let seeded = try recipe(["--seed", "100", "--greedy", "--kv-option", "growth=yes"])
      #expect(seeded.pictures.map(\.seed) == Array(100...105))
      #expect(seeded.pictures.map(\.category) == [8, 8, 1, 1, 2, 2])
      #expect(seeded.greedy && seeded.policyOptions == ["growth": "yes", "cap": "strict"])
      let cat = try recipe(["--class", "cat", "--kv-policy", "full", "--kv-type", "f32"])
      #expect(cat.pictures == [.init(category: 3, className: "cat", seed: 7)])
      #expect(cat.policy == "full" && cat.budget == nil && cat.policyOptions.isEmpty)
      #expect(cat.precision == "int8" && cat.topK == 300 && cat.branches == "shared")
    }

    @Test func inspects() throws {
      let folder = try Scratch()
      #expect(try Tool(drawing + ["-o", "p%d.png"], in: folder).code == 0)
      let text = try Tool(["inspect", "p0.png"], in: folder)
      #expect(text.code == 0 && text.output.contains("ship, seed 7, cfg-scale 2.3"))
      #expect(text.output.contains("kv-policy auto (cap=strict, growth=no), kv-budget 1/8"))
      #expect(text.output.contains("SHA-256 ") && text.output.contains("--like p0.png"))
      let json = try Tool(["inspect", "p0.png", "--json"], in: folder).json()
      let recipe = try #require(json["recipe"] as? [String: Any])
      #expect(recipe["topK"] as? Int == 300 && recipe["kvType"] as? String == "bf16")
      #expect((json["text"] as? [String: String])?["Title"] == "ship")
    }

    /// Captions are found again by their file.
    @Test func captions() throws {
      let folder = try Scratch()
      let run = try Tool(
        [
          "--gpt", Golden.path("t2i-tiny/gpt.safetensors"), "--vq",
          Golden.path("vq-f4/vq.safetensors"), "--captions",
          Golden.path("t2i-tiny/expected.safetensors"), "--cfg-scale", "3", "-o", "p%d.png", "-q",
        ], in: folder)
      #expect(run.code == 0, "\(run.errors)")
      let again = try Tool(["--like", "p1.png", "-o", "again.png", "-q"], in: folder)
      #expect(again.code == 0, "\(again.errors)")
      #expect(try PNG.read(folder.file("again.png")) == PNG.read(folder.file("p1.png")))
    }

    /// The model is found by its path and known by its contents.
    @Test func anotherModelIsAnError() throws {
      let folder = try Scratch()
      for name in ["gpt.safetensors", "vq.safetensors", "config.json"] {
        try folder.write(
          name, [UInt8](Data(contentsOf: URL(fileURLWithPath: BundledFiles.path(name)))))
      }
      let model = ["--gpt", "gpt.safetensors", "--vq", "vq.safetensors"]
      #expect(try Tool(model + ["-o", "a.png", "-q"], in: folder).code == 0)
      #expect(try Tool(["--like", "a.png", "-o", "b.png", "-q"], in: folder).code == 0)
      #expect(try PNG.read(folder.file("a.png")) == PNG.read(folder.file("b.png")))
      let wanted = try Recipe(readingPNG: folder.file("a.png")).gpt.files[0].sha256

      var bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: folder.file("gpt.safetensors"))))
      bytes[bytes.count - 100] ^= 1
      try folder.write("gpt.safetensors", bytes)
      let changed = try Tool(["--like", "a.png", "-o", "c.png", "-q"], in: folder)
      #expect(changed.code == 1 && changed.errors.contains("a.png: drawn with another gpt"))
      #expect(changed.errors.contains(wanted) && changed.errors.contains("; gpt.safetensors has "))
      let given = try Tool(["--like", "a.png", "-o", "c.png", "-q"] + model, in: folder)
      #expect(given.code == 0)

      try FileManager.default.removeItem(atPath: folder.file("gpt.safetensors"))
      let gone = try Tool(["--like", "a.png", "-o", "d.png", "-q"], in: folder)
      #expect(gone.code == 1 && gone.errors.contains("gpt.safetensors: open failed"))
      #expect(try !folder.files.contains("d.png"))
    }

    @Test(arguments: ["plain", "broken", "text"]) func noRecipe(_ kind: String) throws {
      let folder = try Scratch()
      let image = try RGBImage(width: 4, height: 4, filledWith: (9, 9, 9))
      let text = kind == "broken" ? [(Recipe.key, #"{"software":1}"#)] : []
      try PNG.write(image, to: folder.file("p.png"), text: text)
      if kind == "text" { try folder.write("p.png", Array("no picture".utf8)) }
      let run = try Tool(["--like", "p.png", "-o", "x.png"], in: folder)
      #expect(run.code == 1 && run.errors.contains("p.png: ") && run.output.isEmpty)
      #expect(run.errors.dropLast().contains("\n") == false)
      #expect(try folder.files == ["p.png"])
      let inspected = try Tool(["inspect", "p.png"], in: folder)
      #expect(inspected.code == (kind == "plain" ? 0 : 1))
      if kind == "plain" { #expect(inspected.output.contains("no recipe")) }
    }
  }

  @Suite struct PreviewTests {
    /// At the end the preview is the sheet of the last batch.
    @Test func endsAsTheFinishedSheet() throws {
      let folder = try Scratch()
      let flags = ["--class", "0-3", "--cfg-scale", "2.5", "-q", "--preview", "preview.png"]
      let run = try Tool(flags + ["-o", "sheet.png", "--preview-every", "1"], in: folder)
      #expect(run.code == 0, "\(run.errors)")
      #expect(try PNG.read(folder.file("preview.png")) == PNG.read(folder.file("sheet.png")))
      #expect(try Recipe(readingPNG: folder.file("preview.png")).pictures.count == 4)
      let series = try Tool(flags + ["-o", "p%d.png", "--batch", "3"], in: folder)
      #expect(series.code == 0)
      // The last batch holds one picture.
      #expect(try PNG.read(folder.file("preview.png")) == PNG.read(folder.file("p3.png")))
    }

    /// After Ctrl-C the last preview stays, with the lines that were not drawn in grey.
    @Test func staysAfterAnInterrupt() throws {
      let folder = try Scratch()
      // A batch so large that its lines come slowly.
      let run = try Tool(
        [
          "--class", "3", "--count", "64", "--batch", "64", "-o", "x.png", "--preview", "v.png",
          "--preview-every", "1",
        ], in: folder,
        interruptOnce: { FileManager.default.fileExists(atPath: folder.file("v.png")) })
      #expect(run.code == 130)
      #expect(run.errors.contains("the last preview is v.png"))
      #expect(try folder.files == ["v.png"])
      let sheet = try PNG.read(folder.file("v.png"))
      #expect(sheet.width == 8 * 96 + 7 * 2 && sheet.height == sheet.width)
      let last = 3 * (95 * sheet.width)
      #expect(Array(sheet.pixels[last..<last + 3]) == [128, 128, 128])
      #expect(Array(sheet.pixels[0..<3]) != [128, 128, 128])
    }

    @Test func badFolder() throws {
      let run = try Tool(["--preview", "no/v.png"], in: Scratch())
      #expect(run.code == 1 && run.errors.contains("no/v.png"))
      #expect(try Tool(["--preview", "v.png", "--preview-every", "0"], in: Scratch()).code == 64)
    }
  }
}
