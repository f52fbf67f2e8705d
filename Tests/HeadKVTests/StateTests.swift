import Foundation
import HeadKV
import HeadKVTestSupport
import Testing

/// Pictures that are drawn in part, saved, and gone on with.
@Suite struct StateTests {
  private func options(
    _ policy: PolicyChoice = PolicyChoice("auto", budget: .share(1.0 / 8)), interval: Int = -1,
    batch: Int = 8, cfg: Float = 2.5
  ) throws -> GenerationOptions {
    try GenerationOptions(
      guidanceScale: cfg, guidanceInterval: interval, topK: 200, policy: policy, threads: 2,
      batch: batch)
  }

  private func generator(_ options: GenerationOptions) throws -> Generator {
    try Generator(model: ImageModel.bundled(), options: options)
  }

  private let pictures = PictureRequest.pictures([.category(1), .category(8)], seed: 11)

  private func tokens(_ generator: Generator, _ pictures: [PictureRequest]) throws -> [[Int32]] {
    try generator.generate(pictures) { _ in true }.images.map(\.tokens)
  }

  private static let choices: [PolicyChoice] = [
    PolicyChoice("full"), PolicyChoice("auto", budget: .share(1.0 / 8)),
    PolicyChoice("auto", budget: .share(1.0 / 8), branches: .shared, element: .bf16),
    PolicyChoice("h2o", budget: .share(1.0 / 6), element: .int8),
  ]

  /// A pause changes nothing, wherever it is, and neither does another batch.
  @Test(arguments: choices) func aPauseChangesNothing(_ choice: PolicyChoice) throws {
    let generator = try generator(options(choice))
    let whole = try tokens(generator, pictures)
    for lines in [1, 3, 9, 15] {
      let (states, report) = try generator.draw(pictures, lines: lines)
      #expect(states.map(\.tokens) == whole.map { Array($0.prefix(16 * lines)) })
      #expect(report.tokens == 2 * 16 * lines)
      let requests = states.map { PictureRequest(continuing: $0) }
      #expect(try tokens(generator, requests) == whole, "\(choice.name) after \(lines)")
    }
    let (states, _) = try generator.draw(pictures, lines: 4)
    let further = try generator.draw(states.map { PictureRequest(continuing: $0) }, lines: 7).states
    let alone = try self.generator(options(choice, batch: 1))
    #expect(try tokens(alone, further.map { PictureRequest(continuing: $0) }) == whole)
  }

  /// The branch without a condition is saved while it is in use.
  @Test func guidanceEnds() throws {
    let generator = try generator(options(interval: 70))
    let whole = try tokens(generator, pictures)
    for (lines, branches) in [(4, 2), (5, 1)] {
      let states = try generator.draw(pictures, lines: lines).states
      #expect(states.allSatisfy { $0.caches.count == branches })
      #expect(try tokens(generator, states.map { PictureRequest(continuing: $0) }) == whole)
    }
    let bare = try self.generator(options(cfg: 1))
    let state = try bare.draw(pictures, lines: 4).states[0]
    #expect(state.caches.count == 1)
    #expect(throws: SnapshotError.self) {
      _ = try tokens(generator, [PictureRequest(continuing: state)])
    }
  }

  /// With other seeds a picture goes on otherwise; its recipe of seeds alone draws the same.
  @Test func variations() throws {
    let generator = try generator(options())
    let state = try generator.draw([pictures[0]], lines: 6).states[0]
    let requests = (20..<23).map { PictureRequest(continuing: state, seed: $0) }
    let drawn = try tokens(generator, requests)
    #expect(Set(drawn).count == 3 && drawn.allSatisfy { $0.prefix(96).elementsEqual(state.tokens) })
    #expect(requests[0].openings == [SeedOpening(tokens: 96, seed: 11)])
    let again = requests.map {
      PictureRequest($0.condition, seed: $0.seed, openings: $0.openings)
    }
    #expect(try tokens(generator, again) == drawn)
    // Twice: the first lines of one seed, some of another, the rest of a third.
    let second = try generator.draw([requests[0]], lines: 9).states[0]
    let third = PictureRequest(continuing: second, seed: 5)
    #expect(
      third.openings == [SeedOpening(tokens: 96, seed: 11), SeedOpening(tokens: 144, seed: 20)])
    let fromStart = PictureRequest(third.condition, seed: 5, openings: third.openings)
    #expect(try tokens(generator, [third]) == tokens(generator, [fromStart]))
  }

  /// Pictures that stand at different tokens, and some that are to begin, in one run.
  @Test func anyMixture() throws {
    let generator = try generator(options())
    let whole = try tokens(generator, pictures)
    let early = try generator.draw(pictures, lines: 2).states
    let late = try generator.draw(pictures, lines: 12).states
    let mixed = [
      PictureRequest(continuing: early[0]), PictureRequest(continuing: early[1]), pictures[0],
      PictureRequest(continuing: late[1]),
    ]
    #expect(try tokens(generator, mixed) == [whole[0], whole[1], whole[0], whole[1]])
  }

  @Test func linesThatAreNotThere() throws {
    let generator = try generator(options())
    let state = try generator.draw([pictures[0]], lines: 6).states[0]
    for (request, lines) in [
      (pictures[0], 0), (pictures[0], 16), (PictureRequest(continuing: state), 6),
    ] {
      let error = #expect(throws: OptionError.self) {
        _ = try generator.draw([request], lines: lines)
      }
      #expect(error?.name == "lines" && error?.found == "\(lines)")
    }
  }

  /// A file gives back what was written to it, and can be gone on with.
  @Test(arguments: choices) func files(_ choice: PolicyChoice) throws {
    let options = try options(choice)
    let generator = try generator(options)
    let path = FileManager.default.temporaryDirectory
      .appendingPathComponent("\(UUID().uuidString).safetensors").path
    defer { try? FileManager.default.removeItem(atPath: path) }
    let file = Recipe.File(name: "x", bytes: 1, sha256: String(repeating: "0", count: 64))
    let recipe = Recipe(
      software: "test", kernels: Recipe.kernelsInUse, gpt: .init(path: nil, files: [file]),
      vq: .init(path: nil, files: [file]), precision: "auto",
      configuration: generator.gpt.configuration, options: options,
      pictures: [.init(category: 1, seed: 11), .init(category: 8, seed: 12)])
    let whole = try tokens(generator, pictures)
    for lines in [1, 9] {
      let states = try generator.draw(pictures, lines: lines).states
      try SavedPictures(recipe: recipe, states).write(to: path)
      let saved = try SavedPictures(reading: path)
      #expect(saved.recipe == recipe)
      let requests = zip(pictures, saved.pictures).map { request, picture in
        PictureRequest(
          continuing: PictureState(
            request: request, tokens: picture.tokens, caches: picture.caches))
      }
      #expect(try tokens(generator, requests) == whole)
    }
  }

  /// A captioned picture's prefix is in its cache.
  @Test func captions() throws {
    let sidecar = Golden.path("t2i-tiny/config.json")
    let hints = try GPTHints(sidecar: sidecar)
    let gpt = try GPT(TensorCatalog.open(Golden.path("t2i-tiny/gpt.safetensors")), hints: hints)
    let captions = try CaptionFile.read(Golden.path("t2i-tiny/expected.safetensors"))
    let pictures = PictureRequest.pictures(captions.map { .caption($0) }, seed: 3)
    let generator = try Generator(
      gpt: gpt, options: options(PolicyChoice("window", budget: .share(0.5))))
    let whole = try tokens(generator, pictures)
    let states = try generator.draw(pictures, lines: 2).states
    #expect(try tokens(generator, states.map { PictureRequest(continuing: $0) }) == whole)
  }
}
