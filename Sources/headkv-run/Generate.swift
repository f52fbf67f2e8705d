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
    let setup = try GenerateSetup(self)
    say(setup.lines)
    let paths = try files.writesPictures && state.save == nil ? files.paths() : nil
    let (pictures, finished) = try unfinished(setup, paths)
    try setup.requireRoom(for: pictures)
    let run = DrawingRun(
      setup.generator, tokenizer: setup.tokenizer, hashing: setup.hashing, quiet: common.quiet
    ) { plan in
      guard let path = files.preview, let tokenizer = setup.tokenizer else { return nil }
      return Preview(
        path, every: files.previewEvery, columns: setup.columns, plan: plan, tokenizer: tokenizer)
    }
    defer { run.end() }
    if let path = state.save, let lines = state.stopAfter {
      try tell(save(pictures, lines: lines, to: path, setup, run))
    } else {
      try tell(drawWhole(pictures, paths, finished, setup, run))
    }
  }

  /// The pictures that are still to be drawn, and what a manifest says of the others.
  private func unfinished(
    _ setup: GenerateSetup, _ paths: OutputPaths?
  ) throws -> (PictureList, [ManifestEntry]) {
    guard series.resume, let paths, let recipes = setup.recipes else {
      return (setup.pictures, [])
    }
    let found = try FinishedPictures.find(
      paths, setup.pictures, recipes, threads: setup.options.threads)
    return (
      setup.pictures.only(found.indices.filter { found[$0] == nil }), found.compactMap { $0 }
    )
  }

  /// Draws the first lines and saves them with their caches.
  private func save(
    _ pictures: PictureList, lines: Int, to path: String, _ setup: GenerateSetup,
    _ run: DrawingRun
  ) throws -> GenerateSummary {
    let (states, report) = try run.draw(
      pictures.requests, lines: lines, previewing: files.preview != nil)
    if let recipe = try setup.recipes?.recipe(of: pictures) {
      try SavedPictures(recipe: recipe, states).write(to: path)
    }
    if files.preview != nil, let tokenizer = try setup.tokenizer?.value() {
      let grid = setup.loaded.gpt.configuration.grid
      try run.finish(
        states.lastBatch(of: setup.options.batch).map {
          try PartialPicture.decode($0.tokens, grid: grid, tokenizer)
        }, text: [])
    }
    var summary = GenerateSummary(
      setup.options, setup.loaded.gpt, GenerationResult(images: [], report: report),
      firstToken: run.firstToken ?? 0, files: [path])
    summary.inPart = states.count
    return summary
  }

  /// Draws whole pictures and writes what is asked for of them.
  private func drawWhole(
    _ pictures: PictureList, _ paths: OutputPaths?, _ finished: [ManifestEntry],
    _ setup: GenerateSetup, _ run: DrawingRun
  ) throws -> GenerateSummary {
    func decode(_ images: [GeneratedImage]) throws -> [RGBImage] {
      try run.decode(
        images, setup.finishedModel(), threads: setup.fit?.decoders ?? setup.options.threads)
    }
    let recorder = files.report.map { _ in RunRecorder(setup.generator.policy.shape) }
    let manifest = try files.manifest(series).map { Manifest($0, finished: finished) }
    let writer = paths.flatMap { paths -> SeriesWriter? in
      guard paths.isSeries, let recipes = setup.recipes else { return nil }
      return SeriesWriter(paths, numbers: pictures.numbers, manifest: manifest, decode: decode) {
        try recipes.recipe(of: pictures)
      }
    }
    let result = try run.draw(pictures.requests, previewing: files.preview != nil, to: writer) {
      picture, branch in
      guard let recorder, picture == 0, branch == .conditional else { return [] }
      return [recorder, recorder.profiler]
    }
    // Nothing is written of other weights than a recipe names.
    _ = try setup.hashing?.value()
    var written = try files.writeTokens(result.images, classes: pictures.classes)
    run.tokensWritten = written.first
    if let writer {
      written += writer.files
      try run.finish(writer.last.pictures, text: writer.last.text)
    } else if files.wantsPictures, let own = try setup.recipes?.recipe(of: pictures) {
      let drawn = try decode(
        files.writesPictures ? result.images : result.images.lastBatch(of: setup.options.batch))
      written += try files.writeSheet(drawn, columns: setup.columns, own)
      try run.finish(drawn, text: own.texts())
    }
    if let manifest {
      try manifest.finish()
      written.append(manifest.path)
    }
    if let report = files.report, let recorder {
      try GenerateReport.write(
        to: report, figures: files.figures, drawn: result, recorder: recorder,
        generator: setup.generator, model: setup.finishedModel(), requests: pictures.requests,
        run: { try DrawingRun($0, tokenizer: nil, hashing: nil, quiet: common.quiet).draw($1, previewing: false) })
      written.append(report)
    }
    var summary = GenerateSummary(
      setup.options, setup.loaded.gpt, result, firstToken: run.firstToken ?? 0, files: written)
    summary.shard = series.shard
    summary.skipped = series.resume ? finished.count : nil
    summary.memoryLimitBytes = setup.fit?.limit
    summary.memoryPlannedBytes = setup.fit?.bytes
    return summary
  }

  private func tell(_ summary: GenerateSummary) throws {
    if common.json { try Output.json(summary) }
    say(summary.lines)
  }

  private func say(_ lines: [String]) {
    Output.text(lines.joined(separator: "\n"), json: common.json, quiet: common.quiet)
  }
}
