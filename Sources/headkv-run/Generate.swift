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
  @OptionGroup(title: "Series options") var series: SeriesOptions
  @OptionGroup(title: "Options for pictures in part") var state: StateOptions
  @OptionGroup(title: "Model options") var model: ModelOptions
  @OptionGroup(title: "Run options") var common: CommonOptions

  func validate() throws {
    if series.resume && (files.tokensOut != nil || files.report != nil) {
      throw ValidationError("--resume does not go with --tokens-out or --report")
    }
    if series.memoryLimit != nil && files.report != nil {
      throw ValidationError("--max-memory does not go with --report, which draws with the full cache")
    }
  }

  func run() throws {
    try state.check(draw, cache, files, series)
    try files.check(series, saving: state.save)
    let saved = try state.origin.map { try SavedPictures(reading: $0) }
    let recipe = try saved?.recipe ?? draw.like.map { try Recipe(readingPNG: $0) }
    let asked = try draw.options(
      like: recipe,
      policy: recipe.map { try cache.choice(over: $0.policyChoice()) } ?? cache.choice(),
      threads: common.threadCount)
    let model = model.filled(from: recipe)
    let fit = try series.memoryLimit.map {
      try MemoryLimit(bytes: $0).fit(model, asked, draw, like: recipe, files, series)
    }
    let options = try fit.map { try asked.with(policy: $0.policy, batch: $0.batch) } ?? asked
    let loaded = try model.load(
      needsTokenizer: files.wantsPictures, threads: common.threadCount)
    let tokenizer = try files.wantsPictures ? model.tokenizer.open(for: loaded.gpt) : nil
    var all = try PictureList(draw, like: recipe, loaded)
    if let saved { all = all.continuing(saved) }
    var pictures = all.only(series.part.numbers(of: all.requests.count))
    let hashing = try files.wantsPictures
      ? WeightHashing(
        model, given: self.model, captions: all.captions,
        captionsGiven: draw.captions != nil, like: recipe, in: state.origin ?? draw.like) : nil
    let generator = try Generator(model: loaded, options: options)
    say([loaded.gpt.configuration.summary, options.summary, memory(generator.policy.memory)])
    if let fit { say([fit.summary]) }

    let columns = files.columns ?? recipe?.columns ?? all.columns
    let recipes = hashing.map {
      RecipeMaker(
        hashing: $0, precision: model.held, configuration: loaded.gpt.configuration,
        options: options, columns: columns)
    }
    let paths = try files.writesPictures && state.save == nil ? files.paths() : nil
    var finished: [ManifestEntry] = []
    if series.resume, let paths, let recipes {
      let found = try FinishedPictures.find(
        paths, pictures, recipes, threads: options.threads)
      finished = found.compactMap { $0 }
      pictures = pictures.only(found.indices.filter { found[$0] == nil })
    }
    let sequences = min(options.batch, pictures.requests.count) * options.sequencesPerPicture
    try MemoryRoom.require(
      sequences * generator.policy.memory.capBytes, for: "the caches of \(sequences) sequences")

    let run = DrawingRun(
      generator, tokenizer: tokenizer, hashing: hashing, quiet: common.quiet
    ) { plan in
      guard let path = files.preview, let tokenizer else { return nil }
      return Preview(
        path, every: files.previewEvery, columns: columns, plan: plan, tokenizer: tokenizer)
    }
    defer { run.end() }
    let recorder = files.report.map { _ in RunRecorder(generator.policy.shape) }
    func finishedModel() throws -> ImageModel {
      ImageModel(gpt: loaded.gpt, tokenizer: try tokenizer?.value(), classNames: loaded.classNames)
    }
    func decode(_ images: [GeneratedImage]) throws -> [RGBImage] {
      try run.decode(images, finishedModel(), threads: fit?.decoders ?? options.threads)
    }
    let manifest = try files.manifest(series).map { Manifest($0, finished: finished) }
    if let path = state.save, let lines = state.stopAfter, let recipes {
      let (states, report) = try run.draw(
        pictures.requests, lines: lines, previewing: files.preview != nil)
      try SavedPictures(recipe: recipes.recipe(of: pictures), states).write(to: path)
      var summary = GenerateSummary(
        options, loaded.gpt, GenerationResult(images: [], report: report),
        firstToken: run.firstToken ?? 0, files: [path])
      summary.inPart = states.count
      return try tell(summary)
    }
    let drawn = pictures
    let writer = paths.flatMap { paths -> SeriesWriter? in
      guard paths.isSeries, let recipes else { return nil }
      return SeriesWriter(paths, numbers: drawn.numbers, manifest: manifest, decode: decode) {
        try recipes.recipe(of: drawn)
      }
    }
    let result = try run.draw(pictures.requests, previewing: files.preview != nil, to: writer) {
      picture, branch in
      guard let recorder, picture == 0, branch == .conditional else { return [] }
      return [recorder, recorder.profiler]
    }
    var written = try files.writeTokens(result.images, classes: pictures.classes)
    run.tokensWritten = written.first
    if let writer {
      written += writer.files
      try run.finish(writer.last.pictures, text: writer.last.text)
    } else if let recipes {
      let own = try recipes.recipe(of: pictures)
      let drawn = try decode(
        files.writesPictures ? result.images : result.images.lastBatch(of: options.batch))
      written += try files.writeSheet(drawn, columns: columns, own)
      try run.finish(drawn, text: own.texts())
    }
    if let manifest {
      try manifest.finish()
      written.append(manifest.path)
    }
    if let report = files.report, let recorder {
      try GenerateReport.write(
        to: report, figures: files.figures, drawn: result, recorder: recorder,
        generator: generator, model: finishedModel(), requests: pictures.requests,
        run: { try DrawingRun($0, tokenizer: nil, hashing: nil, quiet: common.quiet).draw($1, previewing: false) })
      written.append(report)
    }
    var summary = GenerateSummary(
      options, loaded.gpt, result, firstToken: run.firstToken ?? 0, files: written)
    summary.shard = series.shard
    summary.skipped = series.resume ? finished.count : nil
    summary.memoryLimitBytes = fit?.limit
    summary.memoryPlannedBytes = fit?.bytes
    try tell(summary)
  }

  private func tell(_ summary: GenerateSummary) throws {
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
