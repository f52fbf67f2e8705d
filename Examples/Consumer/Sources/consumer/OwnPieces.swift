import Foundation
import HeadKV

extension Consumer {
  /// A policy, a scorer and a sampler from outside the package.
  static func drawWithOwnPolicy() throws {
    let model = try ImageModel.bundled()
    func draw(threads: Int) throws -> GenerationResult {
      let options = try GenerationOptions(
        guidanceScale: 2.5, seed: 4, policy: PolicyChoice(DecayingAttention(rows: 40)),
        threads: threads)
      return try Generator(
        model: model, options: options,
        sampler: { MinimumProbability(share: 0.05, vocabulary: $0) }
      ).generate(classes: [1, 8])
    }
    let result = try draw(threads: 2)
    check(try draw(threads: 1).images == result.images, "threads change nothing")
    check(result.report.cacheBytesPeak <= result.report.cacheBytesPlanned, "the plan holds")
    check(result.report.steadyRowsPeak <= 41 * 36, "heads keep 40 rows and the new one")
    print("own policy: cache \(result.report.cacheBytesPeak) of \(result.report.cacheBytesFull) bytes")

    let set = try TokenSet(reading: BundledFiles.path("eval.safetensors"))
    let costs = try Evaluator(
      gpt: model.gpt,
      policies: [PolicyChoice(DecayingAttention(rows: 40)), PolicyChoice("h2o", budget: .rows(40))]
    ).evaluateAll(set, limit: 4)
    for cost in costs {
      print("\(cost.policy.name): \(cost.report.delta) nats a token more than the full cache")
    }
  }

  /// Follows a run by its events, and ends another one by cancelling the task that reads.
  static func followAndCancel() async throws {
    let options = try GenerationOptions(guidanceScale: 2.5, topK: 200, seed: 4)
    let generator = try Generator(model: ImageModel.bundled(), options: options)
    var lines = 0
    for try await event in try generator.events(classes: [8], telling: [.rows, .profiled]) {
      switch event {
      case .started(let plan): print("at most \(plan.cacheBytes) bytes of cache")
      case .rows: lines += 1
      case .finished(let report): print("\(lines) lines, \(report.tokens) tokens")
      case .profiled, .token, .evicted, .image: break
      }
    }
    check(lines == 16, "every line is told")

    let before = threads
    let reader = Task {
      var tokens = 0
      do {
        for try await event in try generator.events(classes: [Int](repeating: 8, count: 1000)) {
          if case .token(let state) = event { tokens = state.tokens }
        }
      } catch is CancellationError { return tokens }
      return -1
    }
    try await Task.sleep(for: .milliseconds(200))
    check(before == 0 || threads > before, "drawing has threads of its own")
    reader.cancel()
    let tokens = try await reader.value
    check(tokens > 0 && tokens < 256_000, "the run was ended while it drew")
    for _ in 0..<200 where threads > before { try await Task.sleep(for: .milliseconds(10)) }
    check(threads <= before, "no thread of it is left")
    print("cancelled after \(tokens) tokens")
  }

  /// Threads of this process; 0 where the system does not tell.
  private static var threads: Int {
    (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/task").count) ?? 0
  }
}
