extension Recipe {
  /// All settings in a line.
  public var summary: String {
    "\(subject), " + ((try? options(threads: 1).settings) ?? "kv-policy \(policy)")
  }

  /// What was drawn, with which seeds.
  private var subject: String {
    var names: [String] = []
    for picture in pictures {
      if names.last != picture.name { names.append(picture.name) }
    }
    let shown = names.prefix(10).joined(separator: ", ") + (names.count > 10 ? ", ..." : "")
    let (first, last) = (pictures[0].seed, pictures[pictures.count - 1].seed)
    return "\(shown), " + (pictures.count == 1 ? "seed \(first)" : "seeds \(first) to \(last)") + opening
  }

  private var opening: String {
    guard let first = pictures[0].openings, !first.isEmpty else { return "" }
    guard pictures.allSatisfy({ $0.openings == first }) else { return " after openings of others" }
    return first.map { " after \($0.tokens) tokens of seed \($0.seed)" }.joined(separator: ",")
  }

  /// All there is to say, a line each.
  public var lines: [String] {
    var lines = ["\(software), kernels \(kernels)"]
    for (name, source) in [("gpt", gpt), ("vq", vq)] + (captions.map { [("captions", $0)] } ?? []) {
      lines.append("\(name): \(source.path ?? "the one that comes with the program")")
      lines += source.files.map { "  \($0.name), \($0.bytes) bytes, SHA-256 \($0.sha256)" }
    }
    lines.append("precision \(precision), \(heads) heads, grid \(gridWidth)x\(gridHeight)")
    lines.append(summary)
    if let columns { lines.append("\(pictures.count) pictures in \(columns) columns") }
    return lines
  }
}

extension Recipe.Picture {
  /// What is drawn, for people.
  var name: String {
    className ?? category.map { "class \($0)" } ?? "caption \(caption ?? 0)"
  }
}

extension GenerationOptions {
  /// How tokens are drawn and what the cache keeps, in a line: what pictures depend on beside their
  /// seeds.
  public var settings: String {
    let draw =
      sampling.greedy
      ? "greedy"
      : "temperature \(sampling.temperature), top-k \(sampling.topK), top-p \(sampling.topP)"
    return
      "cfg-scale \(guidanceScale), cfg-interval \(guidanceInterval), \(draw), \(policy.summary)"
  }
}

extension PolicyChoice {
  /// What was asked for, as a line of settings says it.
  public var summary: String {
    let all = options.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
    return "kv-policy \(name)" + (all.isEmpty ? "" : " (\(all.joined(separator: ", ")))")
      + ", kv-budget \(budget?.description ?? "100%")"
      + ", kv-type \((element ?? .f32).rawValue)"
      + (branches == .shared ? "" : ", \(branches.rawValue) branches")
  }
}
