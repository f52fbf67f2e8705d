import CAllocationCounter
import HeadKV
import Synchronization
import Testing

/// A short word for each event.
private func word(_ event: GenerationEvent) -> String {
  switch event {
  case .started: "started"
  case .profiled(let picture, let branch, _): "profiled \(picture) \(branch)"
  case .token: "token"
  case .evicted: "evicted"
  case .rows(let picture, let lines, _): "rows \(picture) \(lines)"
  case .image(let picture, _): "image \(picture)"
  case .finished: "finished"
  }
}

@Suite struct EventTests {
  private func generator(
    policy: String = "auto", branches: GuidanceBranches = .independent, batch: Int = 8
  ) throws -> Generator {
    let options = try GenerationOptions(
      guidanceScale: 2.5, topK: 200, seed: 5,
      policy: PolicyChoice(
        policy, budget: policy == "full" ? nil : .share(1.0 / 8), branches: branches),
      threads: 2, batch: batch)
    return try Generator(model: ImageModel.bundled(), options: options)
  }

  private func pictures(_ count: Int) -> [PictureRequest] {
    PictureRequest.pictures((0..<count).map { .category($0) }, seed: 5)
  }

  @Test func comeInOrder() throws {
    var events: [GenerationEvent] = []
    let result = try generator(batch: 2).generate(pictures(3), telling: .all) {
      events.append($0)
      return true
    }
    let words = events.map(word)
    #expect(words.first == "started" && words.last == "finished")
    #expect(words.filter { $0 == "token" }.count == 2 * 256)
    for picture in 0..<3 {
      let lines = words.filter { $0.hasPrefix("rows \(picture) ") }
      #expect(lines == (1...16).map { "rows \(picture) \($0)" })
      #expect(words.filter { $0.hasPrefix("profiled \(picture) ") }.count == 2)
    }
    let images = words.filter { $0.hasPrefix("image") }
    #expect(images == ["image 0", "image 1", "image 2"])
    #expect(try #require(words.firstIndex(of: "image 1")) < words.firstIndex(of: "rows 2 1")!)

    for event in events {
      switch event {
      case .started(let plan):
        #expect(plan.pictures == 3 && plan.batch == 2 && plan.sequences == 4)
        #expect(plan.cacheBytes == result.report.cacheBytesPlanned)
      case .rows(let picture, let lines, let tokens):
        #expect(tokens == Array(result.images[picture].tokens.prefix(16 * lines)))
      case .image(let picture, let image): #expect(image == result.images[picture])
      case .finished(let report): #expect(report == result.report)
      case .token, .evicted, .profiled: break
      }
    }
    guard case .token(let last)? = events.last(where: { word($0) == "token" }) else { return }
    #expect(last.tokens == 3 * 256 && last.totalTokens == 3 * 256 && last.images == 2)
  }

  /// What has left and what is left make what was appended.
  @Test(arguments: ["auto", "window", "headkv", "merge"]) func evictionsAddUp(
    policy: String
  ) throws {
    var left = 0
    let held = HeldRows()
    _ = try generator(policy: policy).generate(
      pictures(1), telling: .evicted,
      observers: { _, branch in branch == .conditional ? [held] : [] }
    ) {
      if case .evicted(0, .conditional, let rows) = $0 { left += rows }
      return true
    }
    // The prefix and every token but the last, which is not fed.
    #expect(held.rows.load(ordering: .relaxed) + left == 256 * 36)
    #expect(left > 36 * 200)
  }

  /// Budgets come with the profile where there is one; a policy that never revises tells none.
  @Test func profiles() throws {
    func found(_ policy: String, _ branches: GuidanceBranches = .independent) throws -> [ProfiledHeads] {
      var found: [ProfiledHeads] = []
      _ = try generator(policy: policy, branches: branches).generate(
        pictures(1), telling: .profiled
      ) {
        if case .profiled(_, _, let heads) = $0 { found.append(heads) }
        return true
      }
      return found
    }
    let budgets = try found("headkv")
    #expect(budgets.count == 2 && budgets.allSatisfy { $0.profile != nil })
    #expect(budgets[0].budgets.values.reduce(0) { $0 + $1.rows } <= 32 * 36)
    #expect(try found("headkv", .shared).count == 1)
    #expect(try found("auto").count == 2)
    #expect(try found("window").isEmpty)
  }

  /// Listening changes nothing in the pictures, nor does anything come that nobody asked for.
  @Test func listeningChangesNothing() throws {
    let silent = try generator().generate(pictures(2)) { _ in true }
    var words: Set<String> = []
    let heard = try generator().generate(pictures(2), telling: .all) { _ in true }
    _ = try generator().generate(pictures(2)) {
      words.insert(word($0))
      return true
    }
    #expect(heard.images == silent.images)
    #expect(words == ["started", "image 0", "image 1", "finished"])
  }

  @Test(arguments: ["started", "token", "rows 0 3", "profiled 0 conditional"])
  func falseEndsTheRun(at stage: String) throws {
    var words: [String] = []
    #expect(throws: GenerationCancelled.self) {
      try generator().generate(pictures(2), telling: [.token, .rows, .profiled]) {
        words.append(word($0))
        return words.last != stage
      }
    }
    let after = words.suffix(from: words.firstIndex(of: stage)!).dropFirst()
    #expect(after.filter { $0 == "token" }.count <= 1)
  }

  /// A picture's seed is its own, wherever it stands in the request.
  @Test func seedsAreThePictures() throws {
    let together = try generator().generate(pictures(3)) { _ in true }.images
    let turned = try generator().generate(Array(pictures(3).reversed())) { _ in true }.images
    #expect(turned == together.reversed())
  }

  /// Between two tokens nothing is allocated: neither if nothing is asked for, nor by progress and
  /// evictions, but in the step that revises budgets.
  @Test(.enabled(if: headkv_thread_allocations() >= 0), arguments: ["full", "auto", "h2o"])
  func allocatesNothing(policy: String) throws {
    let generator = try generator(policy: policy)
    for kinds in [GenerationEventKinds.token, [.token, .evicted]] {
      var (last, steps) = (Int64(-1), 0)
      var counts = [Int64](repeating: 0, count: 256)
      _ = try generator.generate(pictures(2), telling: kinds) { event in
        guard case .token = event else { return true }
        let now = Int64(headkv_thread_allocations())
        if steps > 0 { counts[steps] = now - last }
        last = now
        steps += 1
        return true
      }
      let revisions = generator.policy.budgeter.revisions
      let counted = counts.indices.filter {
        $0 > 2 && counts[$0] > 0 && !revisions.contains($0)
      }
      #expect(steps == 256 && counted.isEmpty)
    }
  }
}

/// Counts the live rows after the last step.
private final class HeldRows: CacheObserver {
  let rows = Atomic<Int>(0)
  func stepped(_ session: CacheSession) { rows.store(session.liveRows, ordering: .relaxed) }
}
