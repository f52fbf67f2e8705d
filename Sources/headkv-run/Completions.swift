import ArgumentParser
import HeadKV

/// What shells propose as values of options.
extension CompletionKind {
  static var gptFiles: CompletionKind {
    .file(extensions: ["pt", "pth", "bin", "safetensors", "json", "headkv"])
  }
  static var tokenizerFiles: CompletionKind {
    .file(extensions: ["pt", "pth", "bin", "safetensors", "json"])
  }
  static var safetensors: CompletionKind { .file(extensions: ["safetensors"]) }
  static var pictures: CompletionKind { .file(extensions: ["png"]) }
  static var charts: CompletionKind { .file(extensions: ["svg", "png"]) }
  static var pages: CompletionKind { .file(extensions: ["html"]) }
  static var profiles: CompletionKind { .file(extensions: ["json"]) }

  static var presets: CompletionKind { .list(GPTPreset.all.map(\.name)) }
  static var policies: CompletionKind { .list(PolicyCatalog.all.map(\.name)) }
  static var budgets: CompletionKind { .list(["1/4", "1/6", "1/10", "1/16"]) }

  /// Every option that some policy has, with its default.
  static var policyOptions: CompletionKind {
    var names = Set<String>()
    let all = PolicyCatalog.all.flatMap(\.parameters)
    let parameters = all.filter { names.insert($0.name).inserted }
    return .list(parameters.map { "\($0.name)=\($0.defaultValue)" })
  }

  /// `all`, and the names that the model's config.json gives its classes.
  static var classes: CompletionKind {
    .custom { words, _, _ in
      let place = words.lastIndex { ["-m", "--gpt", "--gpt-ckpt"].contains($0) }
      let file =
        place.flatMap { $0 + 1 < words.count ? words[$0 + 1] : nil }
        ?? BundledFiles.path("gpt.safetensors")
      return ["all"] + ((try? GPTHints(beside: file))?.classNames ?? [])
    }
  }
}
