import HeadKVCache
import HeadKVMath

/// How pictures are drawn: a validated value.
public struct GenerationOptions: Sendable, Hashable {
  /// Weight of the conditional against the unconditional prediction; 1 or less is no guidance.
  public let guidanceScale: Float
  /// Last step with guidance (token `i + 1` is drawn in step i, as LlamaGen counts); -1 for all.
  /// Afterwards the unconditional branch is dropped with its cache.
  public let guidanceInterval: Int
  public let sampling: Sampling
  /// Picture i draws with seed + i.
  public let seed: UInt64
  public let policy: PolicyChoice
  public let threads: Int
  /// Pictures drawn at the same time; it changes nothing in them.
  public let batch: Int

  /// - Throws: ``OptionError`` naming the value out of range.
  public init(
    guidanceScale: Float = 4, guidanceInterval: Int = -1, temperature: Float = 1,
    topK: Int = 2000, topP: Float = 1, greedy: Bool = false, seed: UInt64 = 0,
    policy: PolicyChoice = PolicyChoice(), threads: Int? = nil, batch: Int = 8
  ) throws(OptionError) {
    guard guidanceScale.isFinite, guidanceScale >= 0 else {
      throw OptionError("cfg-scale", "\(guidanceScale)", "a number that is not negative")
    }
    guard guidanceInterval >= -1 else {
      throw OptionError("cfg-interval", "\(guidanceInterval)", "-1 (always) or a step")
    }
    let threads = threads ?? WorkerPool.availableProcessors
    guard WorkerPool.threadCounts.contains(threads) else {
      throw OptionError("threads", "\(threads)", "between 1 and 1024")
    }
    guard (1...4096).contains(batch) else {
      throw OptionError("batch", "\(batch)", "between 1 and 4096")
    }
    self.guidanceScale = guidanceScale
    self.guidanceInterval = guidanceInterval
    sampling = try Sampling(temperature: temperature, topK: topK, topP: topP, greedy: greedy)
    self.seed = seed
    self.policy = policy
    self.threads = threads
    self.batch = batch
  }

  /// With a policy that has its default options.
  ///
  /// - Throws: ``OptionError`` naming the value out of range.
  public init(
    guidanceScale: Float = 4, guidanceInterval: Int = -1, temperature: Float = 1,
    topK: Int = 2000, topP: Float = 1, greedy: Bool = false, seed: UInt64 = 0,
    policy: String, budget: CacheBudget? = nil, element: CacheElement? = nil,
    threads: Int? = nil, batch: Int = 8
  ) throws(OptionError) {
    try self.init(
      guidanceScale: guidanceScale, guidanceInterval: guidanceInterval, temperature: temperature,
      topK: topK, topP: topP, greedy: greedy, seed: seed,
      policy: PolicyChoice(policy, budget: budget, element: element), threads: threads,
      batch: batch)
  }

  /// The same with another policy and batch.
  ///
  /// - Throws: ``OptionError`` if the batch is out of range.
  public func with(policy: PolicyChoice, batch: Int) throws(OptionError) -> GenerationOptions {
    try GenerationOptions(
      guidanceScale: guidanceScale, guidanceInterval: guidanceInterval,
      temperature: sampling.temperature, topK: sampling.topK, topP: sampling.topP,
      greedy: sampling.greedy, seed: seed, policy: policy, threads: threads, batch: batch)
  }

  /// Sequences that a picture is drawn with: two under guidance.
  public var sequencesPerPicture: Int { isGuided ? 2 : 1 }

  var isGuided: Bool { guidanceScale > 1 }

  /// Whether token `index` is drawn with guidance.
  func isGuided(token index: Int) -> Bool {
    isGuided && (index == 0 || guidanceInterval < 0 || index - 1 <= guidanceInterval)
  }
}
