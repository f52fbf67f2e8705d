import HeadKVCache

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
  /// Of drawing, without what is done with finished pictures.
  public var seconds = 0.0

  public init() {}

  public var tokensPerSecond: Double { seconds > 0 ? Double(tokens) / seconds : 0 }

  mutating func add(_ session: CacheSession) {
    let live = session.liveRows
    rowsPerHeadPeak = max(rowsPerHeadPeak, Double(live) / Double(session.shape.allHeads))
    if session.isProfiling {
      profilingRowsPeak = max(profilingRowsPeak, live)
    } else {
      steadyRowsPeak = max(steadyRowsPeak, live)
    }
  }
}

/// The tokens of one picture.
public struct GeneratedImage: Sendable, Hashable {
  public let seed: UInt64
  /// Codes in raster order.
  public let tokens: [Int32]

  init(_ state: PictureState) {
    seed = state.request.seed
    tokens = state.tokens
  }
}

public struct GenerationResult: Sendable {
  public let images: [GeneratedImage]
  public let report: GenerationReport

  public init(images: [GeneratedImage], report: GenerationReport) {
    self.images = images
    self.report = report
  }
}

/// A run that its caller ended.
public struct GenerationCancelled: Error, Sendable, CustomStringConvertible {
  public let description = "cancelled"
  public init() {}
}
