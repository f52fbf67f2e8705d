import ArgumentParser
import HeadKV
import HeadKVBench

struct Generate: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Draw pictures of classes or captions.",
    discussion: """
      Flags have the names and defaults of LlamaGen where it has them. Says the settings, what \
      the cache would take in full and what it held, tokens a second and peak memory. Ctrl-C ends \
      a run within a token; files are whole or absent.
      """)

  @OptionGroup(title: "Picture options") var draw: DrawOptions
  @OptionGroup(title: "Cache options") var cache: CacheOptions
  @OptionGroup(title: "File options") var files: GenerateFiles
  @OptionGroup(title: "Model options") var model: ModelOptions
  @OptionGroup(title: "Run options") var common: CommonOptions

  func run() throws {
    try files.check()
    let recipe = try draw.like.map { try Recipe(readingPNG: $0) }
    let options = try draw.options(
      like: recipe,
      policy: recipe.map { try cache.choice(over: $0.policyChoice()) } ?? cache.choice(),
      threads: common.threadCount)
    let model = model.filled(from: recipe)
    let loaded = try model.load(
      needsTokenizer: files.wantsPictures, threads: common.threadCount)
    let tokenizer = try files.wantsPictures ? model.tokenizer.open(for: loaded.gpt) : nil
    let pictures = try PictureList(draw, like: recipe, loaded)
    let hashing = try files.wantsPictures
      ? WeightHashing(
        model, given: self.model, captions: pictures.captions,
        captionsGiven: draw.captions != nil, like: recipe, in: draw.like) : nil
    let generator = try Generator(model: loaded, options: options)
    say([loaded.gpt.configuration.summary, options.summary, memory(generator.policy.memory)])

    let columns = files.columns ?? recipe?.columns ?? pictures.columns
    let run = DrawingRun(
      generator, tokenizer: tokenizer, hashing: hashing, quiet: common.quiet
    ) { plan in
      guard let path = files.preview, let tokenizer else { return nil }
      return Preview(
        path, every: files.previewEvery, columns: columns, plan: plan, tokenizer: tokenizer)
    }
    defer { run.end() }
    let recorder = files.report.map { _ in RunRecorder(generator.policy.shape) }
    let result = try run.draw(pictures.requests, previewing: files.preview != nil) {
      picture, branch in
      guard let recorder, picture == 0, branch == .conditional else { return [] }
      return [recorder, recorder.profiler]
    }
    let finished = ImageModel(
      gpt: loaded.gpt, tokenizer: try tokenizer?.value(), classNames: loaded.classNames)
    var written = try files.writeTokens(result.images, classes: pictures.classes)
    if let sources = try hashing?.value() {
      let drawn = try run.decode(result.images, finished, threads: options.threads)
      let recipe = Recipe(
        software: "headkv-run \(ToolVersion.number)",
        kernels: Recipe.kernelsInUse, gpt: sources.gpt, vq: sources.vq,
        captions: sources.captions, precision: model.held.rawValue,
        configuration: loaded.gpt.configuration, options: options, pictures: pictures.entries,
        columns: pictures.entries.count > 1 ? columns : nil)
      written += try files.writePictures(drawn, columns: columns, recipe)
      try run.finish(drawn, text: recipe.texts())
    }
    if let report = files.report, let recorder {
      try GenerateReport.write(
        to: report, figures: files.figures, drawn: result, recorder: recorder,
        generator: generator, model: finished, requests: pictures.requests,
        run: { try DrawingRun($0, tokenizer: nil, hashing: nil, quiet: common.quiet).draw($1, previewing: false) })
      written.append(report)
    }
    let summary = GenerateSummary(
      options, loaded.gpt, result, firstToken: run.firstToken ?? 0, files: written)
    if common.json { try Output.json(summary) }
    say(summary.lines)
  }

  private func say(_ lines: [String]) {
    Output.text(lines.joined(separator: "\n"), json: common.json, quiet: common.quiet)
  }

  /// What a sequence's cache will take, as is known before the run.
  private func memory(_ plan: MemoryPlan) -> String {
    "cache of a sequence: \(Output.bytes(plan.capBytes)) at most, in full \(Output.bytes(plan.fullBytes))"
  }
}
