import Foundation
import HeadKV
import Testing

@Suite struct RecipeTests {
  private let source = Recipe.Source(
    path: "a.pt", files: [.init(name: "a.pt", bytes: 5, sha256: String(repeating: "a", count: 64))])

  private func recipe(
    _ policy: PolicyChoice = PolicyChoice("h2o", budget: .share(1.0 / 6), options: ["recent": "0.3"])
  ) throws -> Recipe {
    Recipe(
      software: "test 1", kernels: "portable", gpt: source, vq: source, precision: "bf16",
      configuration: try ImageModel.bundled().gpt.configuration,
      options: try GenerationOptions(
        guidanceScale: 2.1, guidanceInterval: 7, temperature: 0.3, topK: 11, topP: 0.7,
        seed: .max, policy: policy),
      pictures: [
        .init(category: 3, className: "Übermut 日", seed: .max), .init(category: 4, seed: 0),
      ], columns: 2)
  }

  /// Every number comes back to the last bit.
  @Test func roundTrip() throws {
    let recipe = try recipe()
    let again = try Recipe(json: recipe.json(), file: "x")
    #expect(again == recipe)
    let options = try again.options(threads: 3, batch: 5)
    #expect(options.guidanceScale == 2.1 && options.sampling.topP == 0.7 && options.seed == .max)
    #expect(options.policy == PolicyChoice(
      "h2o", budget: .share(1.0 / 6), options: ["recent": "0.3"], element: .f32))
    #expect(again.alone(1).pictures == [.init(category: 4, seed: 0)] && again.alone(1).columns == nil)
  }

  @Test(arguments: [
    "1/6", "1/10", "17%", "0.1234567", "100%", "43rows", "64MiB", "1GiB", "1000000B", "3KiB", "1e-5",
    "1", "33.3%", "2/3",
  ]) func budgetsAreSaidAsTheyAreRead(text: String) throws {
    let budget = try CacheBudget(parsing: text)
    #expect(try CacheBudget(parsing: budget.description) == budget)
    if ["1/6", "17%", "43rows", "64MiB"].contains(text) { #expect(budget.description == text) }
  }

  @Test func inAPNG() throws {
    let folder = NSTemporaryDirectory() + "headkv-recipe-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let image = try RGBImage(width: 3, height: 2, filledWith: (1, 2, 3))
    let path = folder + "/a.png"
    let recipe = try recipe()
    try PNG.write(image, to: path, text: recipe.texts())
    #expect(try Recipe(readingPNG: path) == recipe && PNG.read(path) == image)
    let texts = try PNG.text(at: path)
    #expect(texts.map(\.0) == ["Software", "Title", "Description", "headkv-recipe"])
    #expect(texts[1].1 == "2 pictures" && texts[2].1.contains("kv-policy h2o (recent=0.3)"))

    try PNG.write(image, to: path)
    #expect(try Recipe.find(in: path) == nil)
    #expect(throws: RecipeError(file: path, reason: "this picture carries no recipe")) {
      try Recipe(readingPNG: path)
    }
    let json = try recipe.json()
    try PNG.write(image, to: path, text: [(Recipe.key, json), (Recipe.key, json)])
    #expect(throws: RecipeError.self) { try Recipe(readingPNG: path) }
  }

  /// What is out of range, of the wrong kind or not there is named.
  @Test(arguments: [
    (#""topK":11"#, #""topK":-1"#, "top-k"), (#""topK":11"#, #""topK":1e99"#, "out of range"),
    (#""topK":11"#, #""topK":"11""#, "topK"), (#""topK":11,"#, "", "topK"),
    (#""columns":2"#, #""columns":0"#, "columns"),
    (#""cfgInterval":7"#, #""cfgInterval":-9"#, "cfg-interval"),
    (#""budget":"1/6""#, #""budget":"1/0""#, "1/0"),
    (#""branches":"shared""#, #""branches":"x""#, "'x'"),
    (#""kvType":"f32""#, #""kvType":"f64""#, "kvType"),
    (#""heads":6"#, #""heads":9223372036854775807"#, "heads"),
    (#""gridWidth":16"#, #""gridWidth":0"#, "gridWidth"),
    (#""category":3"#, #""category":-3"#, "class"),
    (#""category":3,"#, #""category":3,"caption":3,"#, "class or caption"),
    (#""seed":0"#, #""seed":-1"#, "out of range"),
    (#""seed":0"#, #""seed":18446744073709551616"#, "out of range"),
    (#""bytes":5"#, #""bytes":-5"#, "bytes"), ("aaaaa\"", "\"", "of 59 digits"),
  ]) func refused(part: String, by other: String, says: String) throws {
    let json = try recipe().json()
    let broken = json.replacingOccurrences(of: part, with: other)
    #expect(broken != json)
    do {
      _ = try Recipe(json: broken, file: "x.png")
      Issue.record("not refused")
    } catch {
      #expect(error.description.hasPrefix("x.png: its recipe cannot be used: "))
      #expect(error.description.contains(says), "\(error)")
      #expect(!error.description.contains("\n"))
    }
  }

  /// Damaged text is an error or another recipe, never a trap.
  @Test func damagedText() throws {
    let json = Array(try recipe().json().utf8)
    let random = Philox(key: 5)
    for run in 0..<1500 {
      var bytes = json
      for change in 0..<(1 + run % 4) {
        let place = Int(random.uniform(10 * run + 2 * change) * Double(bytes.count))
        let byte = UInt8(random.uniform(10 * run + 2 * change + 1) * 256)
        if run % 3 == 0 { bytes[place] = byte } else if run % 3 == 1 {
          bytes.remove(at: place)
        } else { bytes.insert(byte, at: place) }
      }
      let text = String(decoding: bytes, as: UTF8.self)
      if let recipe = try? Recipe(json: text, file: "x") {
        #expect(!recipe.lines.isEmpty && (try? recipe.json()) != nil)
      }
    }
    for text in [
      "", "{}", "[]", "null", String(repeating: "[", count: 100_000),
      "{\"pictures\":" + String(repeating: "[", count: 5000),
    ] {
      #expect(throws: RecipeError.self) { try Recipe(json: text, file: "x") }
    }
    #expect(throws: RecipeError.self) {
      try Recipe(json: String(repeating: " ", count: (16 << 20) + 1), file: "x")
    }
  }

  @Test func sourcesAreCompared() throws {
    let catalog = try TensorCatalog.open(BundledFiles.path("vq.safetensors"))
    let found = Recipe.Source("v.safetensors", catalog)
    let hashed = try found.hashed(catalog)
    #expect(hashed.files[0].sha256.count == 64 && hashed.files[0].bytes == 2_043_212)
    try found.check(against: hashed, what: "vq", picture: "p.png")
    var other = hashed
    other.files[0].sha256 = String(repeating: "0", count: 64)
    // Nothing to be said before the file is hashed.
    try found.check(against: other, what: "vq", picture: "p.png")
    #expect(throws: RecipeError.self) {
      try hashed.check(against: other, what: "vq", picture: "p.png")
    }
    other.files[0].bytes += 1
    let error = #expect(throws: RecipeError.self) {
      try found.check(against: other, what: "vq", picture: "p.png")
    }
    #expect(error?.description.contains("p.png: drawn with another vq: vq.safetensors of 2043213 bytes") ?? false)
    #expect(error?.description.contains("v.safetensors has 2043212") ?? false)
  }

  /// What decides no pixel may differ: paths, names, the program's version, kernels.
  @Test func differencesAreNamed() throws {
    let recipe = try recipe()
    var moved = recipe
    moved.gpt.path = "elsewhere/b.pt"
    moved.gpt.files[0].name = "b.pt"
    moved.software = "test 2"
    moved.kernels = "avx2"
    moved.pictures[0].className = nil
    moved.columns = 7
    #expect(moved.differences(from: recipe) == [])
    #expect(try moved.settingsDigest() == recipe.settingsDigest())
    var other = recipe
    other.topK = 12
    other.policyOptions["recent"] = "0.4"
    other.vq.files[0].sha256 = String(repeating: "b", count: 64)
    other.pictures[1].seed = 9
    let differences = other.differences(from: recipe)
    #expect(differences.count == 4 && differences.contains("top-k 12, not 11"))
    #expect(differences.contains("kv-option recent=0.4, not recent=0.3"))
    #expect(differences.contains("seed \(UInt64.max) 9, not \(UInt64.max) 0"))
    #expect(differences.contains { $0.hasPrefix("vq of SHA-256 bbb") })
    #expect(try other.settingsDigest() != recipe.settingsDigest())
    // The pictures themselves are no settings.
    #expect(try recipe.alone(0).settingsDigest() == recipe.settingsDigest())
    #expect(recipe.only(1..<2) == recipe.alone(1) && recipe.only(0..<2) == recipe)
  }
}
