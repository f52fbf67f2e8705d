/// A limit of memory that not even one picture fits in, and what would.
public struct MemoryFitError: Error, Sendable, Equatable, CustomStringConvertible {
  /// A change of settings, as flags, and the bytes that the process would take with it.
  public struct Alternative: Sendable, Equatable {
    public let flags: String
    public let bytes: Int
  }

  public let limit: Int
  /// One picture at a time, with the smallest budget if none was given.
  public let least: MemoryNeed
  public let alternatives: [Alternative]

  public var bytes: Int { least.bytes(batch: 1, decoders: 1) }

  init(limit: Int, _ cache: CacheSearch, weights: [WeightPrecision: Int]) throws {
    let least = try cache.need(cache.smallest)
    self.limit = limit
    self.least = least
    let now = least.bytes(batch: 1, decoders: 1)
    var found: [Alternative] = []
    func take(_ flags: [String], _ search: CacheSearch, below limit: Int) {
      guard let need = try? search.need(search.smallest) else { return }
      let bytes = need.bytes(batch: 1, decoders: 1)
      if bytes < limit { found.append(Alternative(flags: flags.joined(separator: " "), bytes: bytes)) }
    }
    var (flags, all) = ([String](), cache)
    func change(_ flag: String, _ apply: (CacheSearch) -> CacheSearch) {
      take([flag], apply(cache), below: now)
      flags.append(flag)
      all = apply(all)
    }
    if let (precision, bytes) = weights.min(by: { $0.value < $1.value }),
      bytes < cache.need.weights
    {
      change("--precision \(precision.rawValue)") { $0.holding(weights: bytes) }
    }
    if cache.policy.element != .int8 {
      change("--kv-type int8") { $0.asking { $0.element = .int8 } }
    }
    if cache.policy.name == "full" || cache.policy.budget != nil {
      change(cache.policy.name == "full" ? "--kv-policy auto" : "no --kv-budget") {
        $0.asking {
          if $0.name == "full" { $0.name = "auto" }
          $0.budget = nil
        }
      }
    }
    if ["auto", "full"].contains(cache.policy.name), cache.policy.options["cap"] != "strict" {
      change("--kv-cap strict") {
        $0.asking { if $0.name == "auto" { $0.options["cap"] = "strict" } }
      }
    }
    // All changes together are worth a word if they do more than the best of them.
    let best = found.map(\.bytes).min() ?? now
    if flags.count > 1 { take(flags, all, below: best) }
    alternatives = found
  }

  public var description: String {
    let parts = [
      ("weights", least.weights), ("cache", least.cache), ("work", least.work),
      ("tokenizer", least.tokenizer), ("decoding", least.decoding), ("results", least.results),
      ("program", least.program),
    ].filter { $0.1 > 0 }.map { "\($0.0) \(Self.said($0.1))" }
    let others = alternatives.map { "\($0.flags): \(Self.said($0.bytes))" }
    return "not even one picture at a time fits in \(Self.said(limit)): it takes up to "
      + "\(Self.said(bytes)) (\(parts.joined(separator: ", ")))"
      + (others.isEmpty ? "" : "; with " + others.joined(separator: ", with "))
  }

  private static func said(_ bytes: Int) -> String {
    "\((Double(bytes) / 104857.6).rounded(.up) / 10) MiB"
  }
}

extension CacheSearch {
  fileprivate func holding(weights: Int) -> CacheSearch {
    var need = need
    need.weights = weights
    return CacheSearch(need: need, policy: policy, shape: shape, sequences: sequences)
  }

  fileprivate func asking(_ change: (inout PolicyChoice) -> Void) -> CacheSearch {
    var policy = policy
    change(&policy)
    return CacheSearch(need: need, policy: policy, shape: shape, sequences: sequences)
  }
}
