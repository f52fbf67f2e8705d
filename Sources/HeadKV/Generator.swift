import Foundation
import HeadKVMath

/// Where a run stands, told after each step of a batch.
public struct GenerationProgress: Sendable, Hashable {
  /// Tokens of all pictures drawn so far, and to be drawn.
  public let tokens: Int
  public let totalTokens: Int
  public let images: Int
  public let totalImages: Int
}

/// A run that its caller ended.
public struct GenerationCancelled: Error, Sendable, CustomStringConvertible {
  public let description = "cancelled"
  public init() {}
}

/// The tokens of one picture.
public struct GeneratedImage: Sendable, Hashable {
  public let seed: UInt64
  /// Codes in raster order.
  public let tokens: [Int32]
}

/// The branches of a picture under guidance.
public enum GuidanceBranch: String, Sendable, Hashable, CaseIterable {
  case conditional, unconditional
}

/// Names those that watch the cache of a branch of picture i.
public typealias CacheObservers = (_ picture: Int, _ branch: GuidanceBranch) -> [any CacheObserver]

/// What a run cost.
public struct GenerationReport: Sendable, Codable, Hashable {
  /// Bytes the caches held at their peak, all sequences of a batch together; and the most that was
  /// planned for them.
  public var cacheBytesPeak = 0
  public var cacheBytesPlanned = 0
  /// Bytes the same sequences would have held in full.
  public var cacheBytesFull = 0
  /// Rows a head kept after a step, prefix included, at its peak; and the full cache's.
  public var rowsPerHeadPeak = 0.0
  public var rowsPerHeadFull = 0
  /// The most live rows of a sequence after a step, over all heads, before its budgets were last
  /// revised and from then on; 0 for a phase that does not exist.
  public var profilingRowsPeak = 0
  public var steadyRowsPeak = 0
  public var tokens = 0
  public var seconds = 0.0

  public var tokensPerSecond: Double { seconds > 0 ? Double(tokens) / seconds : 0 }

  fileprivate mutating func add(_ session: CacheSession) {
    let live = session.liveRows
    rowsPerHeadPeak = max(rowsPerHeadPeak, Double(live) / Double(session.shape.allHeads))
    if session.isProfiling {
      profilingRowsPeak = max(profilingRowsPeak, live)
    } else {
      steadyRowsPeak = max(steadyRowsPeak, live)
    }
  }
}

public struct GenerationResult: Sendable {
  public let images: [GeneratedImage]
  public let report: GenerationReport
}

/// Draws pictures' tokens with a model.
///
/// The result depends on weights, conditions, options and seed alone: not on batch size, threads
/// or the other pictures of a batch. Not for use by two threads at a time.
public final class Generator {
  public let gpt: GPT
  public let options: GenerationOptions
  public let policy: CachePolicy
  private let pool: WorkerPool

  /// - Throws: ``PolicyError`` if policy and budget do not fit the model.
  public init(gpt: GPT, options: GenerationOptions) throws(PolicyError) {
    self.gpt = gpt
    self.options = options
    policy = try options.policy.policy(for: gpt.configuration.sequenceShape)
    pool = WorkerPool(threads: options.threads)
  }

  public convenience init(model: ImageModel, options: GenerationOptions) throws(PolicyError) {
    try self.init(gpt: model.gpt, options: options)
  }

  /// Draws one picture for each class.
  public func generate(
    classes: [Int], progress: (GenerationProgress) -> Bool = { _ in true },
    observers: CacheObservers = { _, _ in [] }
  ) throws -> GenerationResult {
    try generate(
      conditions: classes.map { .category($0) }, progress: progress, observers: observers)
  }

  /// Draws one picture for each condition; picture i with seed + i.
  ///
  /// - Parameters:
  ///   - progress: called after each step; false ends the run.
  ///   - observers: asked for those that watch the cache of a picture's branch.
  /// - Throws: ``ModelError`` for a condition that is not the model's, ``GenerationCancelled``.
  public func generate(
    conditions: [Condition], progress: (GenerationProgress) -> Bool = { _ in true },
    observers: CacheObservers = { _, _ in [] }
  ) throws -> GenerationResult {
    for condition in conditions { try gpt.check(condition) }
    var images: [GeneratedImage] = []
    var report = GenerationReport()
    let start = ContinuousClock.now
    var first = 0
    while first < conditions.count {
      let count = min(options.batch, conditions.count - first)
      try draw(
        conditions[first..<first + count], of: conditions.count, into: &images, &report,
        observers, progress)
      first += count
    }
    report.seconds = Double((ContinuousClock.now - start) / .milliseconds(1)) / 1000
    return GenerationResult(images: images, report: report)
  }

  private func draw(
    _ conditions: ArraySlice<Condition>, of total: Int, into images: inout [GeneratedImage],
    _ report: inout GenerationReport, _ observers: CacheObservers, _ progress: (GenerationProgress) -> Bool
  ) throws {
    let count = conditions.count
    let branches = options.isGuided ? 2 : 1
    let engine = DecodeEngine(
      model: gpt, policy: policy, sequences: count * branches, pool: pool)
    let classes = gpt.configuration.classCount
    let first = conditions.startIndex
    var starts = conditions.enumerated().map { index, condition in
      SequenceStart(
        index, condition: condition, observers: observers(first + index, .conditional))
    }
    if options.isGuided {
      starts += conditions.enumerated().map { index, condition in
        SequenceStart(
          count + index, condition: condition.null(classes: classes),
          sharingWith: policy.branches == .shared ? index : nil,
          observers: observers(first + index, .unconditional))
      }
    }
    try engine.begin(starts)
    let shape = engine.shape
    report.cacheBytesPlanned = max(
      report.cacheBytesPlanned, count * branches * policy.memory.capBytes)
    report.cacheBytesFull = max(
      report.cacheBytesFull, count * branches * policy.memory.fullBytes)
    report.rowsPerHeadFull = shape.fullRows

    let length = gpt.configuration.grid.count
    var guided = options.isGuided
    var loop = TokenLoop(
      options: options, images: count, firstImage: conditions.startIndex, length: length,
      vocabulary: gpt.configuration.vocabulary)
    for token in 0..<length {
      loop.pick(token, engine, guided: guided)
      report.tokens += count
      let state = GenerationProgress(
        tokens: images.count * length + (token + 1) * count, totalTokens: total * length,
        images: images.count, totalImages: total)
      guard progress(state) else { throw GenerationCancelled() }
      if guided && !options.isGuided(token: token + 1) {
        for index in 0..<count { engine.end(count + index) }
        guided = false
      }
      if token + 1 < length { loop.feed(token, engine, guided: guided) }
      report.cacheBytesPeak = max(report.cacheBytesPeak, engine.cacheBytes)
      for index in 0..<count { report.add(engine.session(index)!) }
    }
    for index in 0..<count {
      images.append(
        GeneratedImage(
          seed: options.seed &+ UInt64(conditions.startIndex + index), tokens: loop.tokens(index)))
    }
  }
}

/// The inner loop of a batch and the memory it works in; picking and feeding allocate nothing.
package struct TokenLoop: ~Copyable {
  private let options: GenerationOptions
  private let images: Int
  private let firstImage: Int
  private let length: Int
  private var sampler: Sampler
  private var mixed: [Float]
  private var drawn: [Int32]
  private var rows: [StepRow] = []

  package init(
    options: GenerationOptions, images: Int, firstImage: Int, length: Int, vocabulary: Int
  ) {
    self.options = options
    self.images = images
    self.firstImage = firstImage
    self.length = length
    sampler = Sampler(options.sampling, vocabulary: vocabulary)
    mixed = Array(repeating: 0, count: vocabulary)
    drawn = Array(repeating: 0, count: images * length)
    rows.reserveCapacity(images * 2)
  }

  package func tokens(_ image: Int) -> [Int32] { Array(drawn[image * length..<(image + 1) * length]) }

  /// Draws token `token` of each picture from the engine's logits.
  package mutating func pick(_ token: Int, _ engine: DecodeEngine, guided: Bool) {
    for image in 0..<images {
      let random = Philox(key: options.seed &+ UInt64(firstImage + image)).uniform(token)
      if guided {
        let scale = options.guidanceScale
        engine.withLogits(image) { conditional in
          engine.withLogits(images + image) { unconditional in
            for code in mixed.indices {
              mixed[code] =
                unconditional[code] + scale * (conditional[code] - unconditional[code])
            }
          }
        }
        drawn[image * length + token] = sampler.pick(mixed, uniform: random)
      } else {
        engine.withLogits(image) { logits in
          for code in mixed.indices { mixed[code] = logits[code] }
        }
        drawn[image * length + token] = sampler.pick(mixed, uniform: random)
      }
    }
  }

  /// Feeds token `token` to both branches of each picture, or to the conditional one only.
  package mutating func feed(_ token: Int, _ engine: DecodeEngine, guided: Bool) {
    rows.removeAll(keepingCapacity: true)
    for branch in 0..<(guided ? 2 : 1) {
      for image in 0..<images {
        rows.append(
          StepRow(
            sequence: branch * images + image, token: drawn[image * length + token],
            position: Int32(token)))
      }
    }
    engine.step(rows)
  }
}
