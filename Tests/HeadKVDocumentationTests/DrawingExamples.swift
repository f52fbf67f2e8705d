import Foundation
import HeadKV
import Testing

/// The examples of the articles on drawing, as they stand there.
@Suite struct DrawingExamples {
  @Test func start() throws {
    let path = NSTemporaryDirectory() + "headkv-example-\(UUID().uuidString).png"
    defer { try? FileManager.default.removeItem(atPath: path) }

    let model = try ImageModel.bundled()
    let options = try GenerationOptions(
      guidanceScale: 2.5, topK: 200, policy: "auto", budget: CacheBudget(parsing: "1/6"))
    let result = try Generator(model: model, options: options).generate(classes: [8])
    let picture = try model.image(tokens: result.images[0].tokens)
    try PNG.write(picture, to: path)
    print(result.report.cacheBytesPeak, "of", result.report.cacheBytesFull)

    #expect(try PNG.read(path).pixels == picture.pixels)
    #expect(result.report.cacheBytesPeak * 3 < result.report.cacheBytesFull)
  }

  @Test func events() async throws {
    let gptPath = BundledFiles.path("gpt.safetensors")
    let vqPath = BundledFiles.path("vq.safetensors")
    let hints = GPTHints()
    var pictures: [RGBImage] = []

    let model = try ImageModel(
      gpt: gptPath, vq: vqPath, hints: hints, precision: .bf12)

    let options = try GenerationOptions(
      guidanceScale: 2.5, topK: 200, seed: 7, policy: "auto",
      budget: CacheBudget(parsing: "64KiB"), batch: 4)
    let generator = try Generator(model: model, options: options)
    print("a sequence takes at most \(generator.policy.memory.capBytes) bytes")

    for try await event in try generator.events(classes: [1, 8], telling: [.rows]) {
      switch event {
      case .started(let plan): print("\(plan.pictures) pictures, \(plan.cacheBytes) bytes of cache")
      case .rows(let picture, let lines, _): print("picture \(picture): \(lines) lines")
      case .image(_, let image): pictures.append(try model.image(tokens: image.tokens))
      case .finished(let report): print(report.tokensPerSecond, "tokens a second")
      case .profiled, .token, .evicted: break
      }
    }

    #expect(pictures.count == 2 && pictures[0] != pictures[1])
  }

  @Test func picturesInPart() throws {
    let model = try ImageModel.bundled()
    let options = try GenerationOptions(
      guidanceScale: 2.5, topK: 200, policy: "auto", budget: CacheBudget(parsing: "1/6"))
    let images = try variations(Generator(model: model, options: options))
    #expect(Set(images.map { Array($0.tokens.prefix(128)) }).count == 1)
    #expect(Set(images.map(\.tokens)).count == 4)
  }

  private func variations(_ generator: Generator) throws -> [GeneratedImage] {
    let pictures = PictureRequest.pictures([.category(8)], seed: 7)
    let opening = try generator.draw(pictures, lines: 8).states[0]
    let variations = (20..<24).map { PictureRequest(continuing: opening, seed: $0) }
    return try generator.generate(variations) { _ in true }.images
  }
}
