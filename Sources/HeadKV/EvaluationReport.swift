/// What a policy costs in prediction, teacher-forced on given pictures.
public struct EvaluationReport: Sendable, Codable, Hashable {
  public var sequences = 0
  public var tokensPerSequence = 0
  /// Mean loss in nats a token with the full cache, under the policy, and their difference.
  public var nllFull = 0.0
  public var nll = 0.0
  public var delta = 0.0
  /// Standard error of `delta` over pictures.
  public var deltaStandardError = 0.0
  /// Share of tokens for which both runs hold the same code likeliest.
  public var top1Agreement = 0.0
  /// Mean of KL(full || policy) in nats a token.
  public var meanKL = 0.0
  /// Live rows of a head after a step, prefix included: mean over steps, and the most.
  public var meanRowsPerHead = 0.0
  public var peakRowsPerHead = 0
  /// The most live rows of a sequence after a step, over all heads, before its budgets were last
  /// revised and from then on; 0 for a phase that does not exist.
  public var profilingRowsPeak = 0
  public var steadyRowsPeak = 0
  /// Rows of all heads that the budgets allow after an update: the most over sequences.
  public var budgetRows = 0
  /// The most bytes that the cache of a sequence held, what was planned to be the most, and the
  /// full cache's.
  public var cacheBytes = 0
  public var cacheBytesPlanned = 0
  public var cacheBytesFull = 0
  /// Of the whole run, in which all policies go side by side.
  public var seconds = 0.0
}

/// Losses and report of a policy's evaluation.
public struct Evaluation: Sendable {
  public let policy: PolicyChoice
  public let report: EvaluationReport
  /// Loss of each token `[N][T]` under the policy, and with the full cache.
  public let losses: [[Float]]
  public let fullLosses: [[Float]]
}
