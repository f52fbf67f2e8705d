import Foundation
import HeadKV
import Synchronization
import Testing

@Suite struct StreamTests {
  private func generator(sampler: TokenSamplerMaker? = nil) throws -> Generator {
    let options = try GenerationOptions(
      guidanceScale: 2.5, topK: 200, seed: 5, policy: "window", budget: .share(1.0 / 8),
      threads: 2, batch: 2)
    return try Generator(model: ImageModel.bundled(), options: options, sampler: sampler)
  }

  /// Waits for what has to come soon.
  private func soon(_ condition: () -> Bool) async throws -> Bool {
    for _ in 0..<500 {
      if condition() { return true }
      try await Task.sleep(for: .milliseconds(10))
    }
    return false
  }

  @Test func tellsWhatTheCallerOfGenerateHears() async throws {
    let generator = try generator()
    let pictures = PictureRequest.pictures([1, 2, 3].map { .category($0) }, seed: 9)
    let expected = try generator.generate(pictures) { _ in true }
    var images: [GeneratedImage] = []
    var (lines, tokens) = (0, 0)
    var report: GenerationReport?
    for try await event in try generator.events(pictures) {
      #expect(report == nil)
      switch event {
      case .image(let picture, let image):
        #expect(picture == images.count)
        images.append(image)
      case .rows: lines += 1
      case .token(let state):
        #expect(state.tokens > tokens)
        tokens = state.tokens
      case .finished(let last): report = last
      case .started, .profiled, .evicted: break
      }
    }
    #expect(images == expected.images && lines == 3 * 16 && tokens == 3 * 256)
    #expect(report?.tokens == expected.report.tokens)
  }

  /// A reader that is slower than the drawing loses nothing but old progress.
  @Test func aSmallBufferLosesNothing() async throws {
    var lines: [Int] = []
    var images = 0
    for try await event in try generator().events(
      classes: [4], telling: [.rows, .token, .evicted], buffer: 1)
    {
      if case .rows(_, let line, _) = event {
        lines.append(line)
        try await Task.sleep(for: .milliseconds(2))
      }
      if case .image = event { images += 1 }
    }
    #expect(lines == Array(1...16) && images == 1)
  }

  /// The task that reads is cancelled: it is told so, and what the drawing holds goes.
  @Test(arguments: ["before", "started", "token", "rows", "evicted", "image"])
  func cancellation(stage: String) async throws {
    let samplers = Counter()
    let generator = try generator(sampler: samplers.make)
    let reached = Mutex(false)
    let reader = Task {
      if stage == "before" {
        reached.withLock { $0 = true }
        while !Task.isCancelled { await Task.yield() }
      }
      // Long enough never to be finished by itself.
      for try await event in try generator.events(classes: [Int](repeating: 3, count: 2000)) {
        let name = String(describing: event).prefix { $0 != "(" }
        if name == stage { reached.withLock { $0 = true } }
      }
    }
    #expect(try await soon { reached.withLock { $0 } })
    reader.cancel()
    await #expect(throws: CancellationError.self) { try await reader.value }
    #expect(try await soon { samplers.alive == 0 })
  }

  /// Nobody reads any more: the same.
  @Test func droppedStream() async throws {
    let samplers = Counter()
    var stream: GenerationStream? = try generator(sampler: samplers.make).events(
      classes: [Int](repeating: 3, count: 2000), buffer: 2)
    for try await event in stream! {
      if case .rows = event { break }
    }
    #expect(samplers.alive > 0)
    withExtendedLifetime(stream) {}
    stream = nil
    #expect(try await soon { samplers.alive == 0 })
  }

  /// A stream that is never read draws nothing, and conditions are checked when it is made.
  @Test func unreadStream() async throws {
    let samplers = Counter()
    let stream = try generator(sampler: samplers.make).events(classes: [3])
    try await Task.sleep(for: .milliseconds(50))
    #expect(samplers.made == 0)
    withExtendedLifetime(stream) {}
    let model = try generator()
    #expect(throws: ModelError.classOutOfRange(10, classes: 10)) {
      try model.events(classes: [3, 10])
    }
  }

  /// After its end a stream stays ended.
  @Test func endsOnce() async throws {
    let iterator = try generator().events(classes: [3], telling: []).makeAsyncIterator()
    var count = 0
    while try await iterator.next() != nil { count += 1 }
    #expect(count == 3)
    #expect(try await iterator.next() == nil)
  }
}

/// Makes samplers and counts those that are alive.
private final class Counter: Sendable {
  fileprivate let value = Atomic<Int>(0)
  fileprivate let total = Atomic<Int>(0)
  var alive: Int { value.load(ordering: .relaxed) }
  var made: Int { total.load(ordering: .relaxed) }
  var make: TokenSamplerMaker { { _ in CountedSampler(life: Life(self)) } }
}

private final class Life: Sendable {
  private let counter: Counter
  init(_ counter: Counter) {
    self.counter = counter
    counter.value.add(1, ordering: .relaxed)
    counter.total.add(1, ordering: .relaxed)
  }
  deinit { counter.value.subtract(1, ordering: .relaxed) }
}

private struct CountedSampler: TokenSampler {
  let life: Life
  mutating func pick(_ logits: Span<Float>, uniform: Double) -> Int32 {
    Int32(uniform * Double(logits.count))
  }
}
