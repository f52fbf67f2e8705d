import Foundation
internal import HeadKVFiles

extension Recipe {
  /// The settings without what changes no pixel, or is to change none: where files lie and what they
  /// are called, the program's version, the kernels.
  private var settings: Recipe {
    var recipe = self
    recipe.software = ""
    recipe.kernels = ""
    recipe.gpt = gpt.contents
    recipe.vq = vq.contents
    recipe.captions = captions?.contents
    recipe.columns = nil
    for index in pictures.indices { recipe.pictures[index].className = nil }
    return recipe
  }

  /// SHA-256, in 64 hexadecimal digits, of the settings that all pictures of a run share: all but
  /// the pictures themselves, paths, names, the program's version and the kernels.
  public func settingsDigest() throws -> String {
    var shared = settings
    shared.pictures = []
    let json = Array(try shared.json().utf8)
    return unsafe json.withUnsafeBytes { unsafe SHA256.digest($0) }
  }

  /// What this recipe has otherwise than `other`, as "seed 3, not 4"; empty if both draw the same
  /// pictures. Paths, names, the program's version and the kernels may differ.
  public func differences(from other: Recipe) -> [String] {
    let (own, others) = (settings, other.settings)
    guard own != others else { return [] }
    let pairs = zip(own.spoken, others.spoken)
    let differences = pairs.filter { $0.text != $1.text }.map { "\($0.name) \($0.text), not \($1.text)" }
    return differences.isEmpty ? ["settings that texts do not show"] : differences
  }

  private var spoken: [(name: String, text: String)] {
    func all(_ text: (Picture) -> String) -> String { pictures.map(text).joined(separator: " ") }
    return [
      ("gpt", gpt.digests), ("vq", vq.digests), ("captions", captions?.digests ?? "none"),
      ("precision", precision), ("heads", "\(heads)"), ("grid", "\(gridWidth)x\(gridHeight)"),
      ("class", all { $0.category.map { "\($0)" } ?? "none" }),
      ("caption", all { $0.caption.map { "\($0)" } ?? "none" }), ("seed", all { "\($0.seed)" }),
      ("opening", all { $0.openings.map(\.text) ?? "none" }),
      ("cfg-scale", "\(cfgScale)"), ("cfg-interval", "\(cfgInterval)"),
      ("temperature", "\(temperature)"), ("top-k", "\(topK)"), ("top-p", "\(topP)"),
      ("greedy", "\(greedy)"), ("kv-policy", policy),
      (
        "kv-option",
        policyOptions.isEmpty
          ? "none" : policyOptions.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
            .joined(separator: " ")
      ),
      ("kv-budget", budget ?? "everything"), ("kv-branches", branches),
      ("kv-type", kvType.rawValue),
    ]
  }
}

extension [SeedOpening] {
  fileprivate var text: String {
    map { "\($0.tokens) tokens of seed \($0.seed)" }.joined(separator: " then ")
  }
}

extension Recipe.Source {
  /// The files by size and SHA-256 alone.
  fileprivate var contents: Recipe.Source {
    Recipe.Source(path: nil, files: files.map { .init(name: "", bytes: $0.bytes, sha256: $0.sha256) })
  }

  fileprivate var digests: String {
    files.map { "of SHA-256 \($0.sha256)" }.joined(separator: " ")
  }
}
