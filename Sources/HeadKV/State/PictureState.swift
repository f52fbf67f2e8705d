import HeadKVCache

/// A picture that is partly drawn, with the caches of its branches: what ``Generator`` needs to go
/// on with it, any number of times.
///
/// Immutable and shared: requests that go on from it hold the same one.
public final class PictureState: Sendable {
  /// What was asked for.
  public let request: PictureRequest
  /// Codes so far, in raster order. The last one has not been fed to the model yet.
  public let tokens: [Int32]
  /// Of the conditional branch, and under guidance of the other one.
  public let caches: [CacheSnapshot]

  /// - Parameter request: as the picture was begun.
  public init(request: PictureRequest, tokens: [Int32], caches: [CacheSnapshot]) {
    self.request = request.fromStart
    self.tokens = tokens
    self.caches = caches
  }

  /// Bytes that the caches take.
  public var byteCount: Int { caches.reduce(0) { $0 + $1.byteCount } }

  /// Throws unless a generator of this kind can go on from here; the caches are checked when they
  /// are restored.
  func check(length: Int, vocabulary: Int, _ options: GenerationOptions) throws(SnapshotError) {
    guard (1..<length).contains(tokens.count) else {
      throw SnapshotError("tokens", "\(tokens.count)", "between 1 and \(length - 1)")
    }
    if let token = tokens.first(where: { $0 < 0 || Int($0) >= vocabulary }) {
      throw SnapshotError("a token", "\(token)", "between 0 and \(vocabulary - 1)")
    }
    let branches = options.isGuided(token: tokens.count) ? 2 : 1
    guard caches.count == branches else {
      throw SnapshotError("branches", "\(caches.count)", "\(branches), by the guidance asked for")
    }
    for cache in caches where cache.tokens != tokens.count - 1 {
      throw SnapshotError("cached tokens", "\(cache.tokens)", "\(tokens.count - 1)")
    }
  }
}

/// States are the same if they are one object.
extension PictureState: Hashable {
  public static func == (a: PictureState, b: PictureState) -> Bool { a === b }
  public func hash(into hasher: inout Hasher) { hasher.combine(ObjectIdentifier(self)) }
}
