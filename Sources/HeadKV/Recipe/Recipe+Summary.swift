extension Recipe {
  /// All settings in a line.
  public var summary: String {
    let draw = greedy ? "greedy" : "temperature \(temperature), top-k \(topK), top-p \(topP)"
    return "\(subject), cfg-scale \(cfgScale), cfg-interval \(cfgInterval), \(draw), "
      + ((try? policyChoice().summary) ?? "kv-policy \(policy)")
  }

  /// What was drawn, with which seeds.
  private var subject: String {
    var names: [String] = []
    for picture in pictures {
      let name =
        picture.className ?? picture.category.map { "class \($0)" }
        ?? "caption \(picture.caption ?? 0)"
      if names.last != name { names.append(name) }
    }
    let shown = names.prefix(10).joined(separator: ", ") + (names.count > 10 ? ", ..." : "")
    let (first, last) = (pictures[0].seed, pictures[pictures.count - 1].seed)
    return "\(shown), " + (pictures.count == 1 ? "seed \(first)" : "seeds \(first) to \(last)")
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

extension PolicyChoice {
  /// What was asked for, as a line of settings says it.
  public var summary: String {
    let all = options.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
    return "kv-policy \(name)" + (all.isEmpty ? "" : " (\(all.joined(separator: ", ")))")
      + ", kv-budget \(budget?.description ?? "100%")"
      + ", kv-type \((element ?? .f32).rawValue)"
      + (branches == .independent ? "" : ", \(branches.rawValue) branches")
  }
}
