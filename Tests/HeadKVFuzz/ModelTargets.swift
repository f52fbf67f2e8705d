import Foundation
import HeadKV
import HeadKVTestSupport

extension FuzzTarget {
  static let tokens = FuzzTarget("tokens") { bytes in
    let set = try TokenSet(TensorCatalog.read(bytes, name: "fuzz"))
    try BrokenLaw.unless(
      set.classes.isEmpty || set.classes.count == set.tokens.count, "classes of other pictures")
  }

  static let captions = FuzzTarget("captions") { bytes in
    for caption in try CaptionFile.read(TensorCatalog.read(bytes, name: "fuzz")) {
      try BrokenLaw.unless(!caption.valid.isEmpty, "a caption of no token")
    }
  }

  /// A GPT or a tokenizer, from a pickle whose views may stand still on a storage of a few bytes.
  static let model = FuzzTarget("model") { bytes in
    let catalog = try TensorCatalog.read(torchArchive(bytes, storages: storages), name: "fuzz")
    if VQTokenizer.isVQ(catalog) {
      _ = try VQTokenizer.outline(catalog)
      let tokenizer = try VQTokenizer(catalog)
      try BrokenLaw.unless(tokenizer.codebookSize > 0, "a tokenizer of no code")
    } else {
      let hints = GPTHints(heads: 1, grid: TokenGrid(width: 2, height: 2))
      let gpt = try GPT(catalog, hints: hints, threads: 1)
      try BrokenLaw.unless(gpt.weightBytes > 0, "a model of no weight")
    }
  }

  /// A packed GPT whose header has its digest.
  static let packed = FuzzTarget("packed") { bytes in
    let catalog = try TensorCatalog.read(sealed(bytes), name: "fuzz")
    let gpt = try GPT(catalog, threads: 1)
    _ = gpt.weightBytes
    _ = GPT.damage(in: catalog, threads: 1)
  }

  /// `config.json` beside a model.
  static let config = FuzzTarget("config") { bytes in
    _ = try GPTHints(sidecar: Data(bytes), path: "fuzz")
  }

  /// A saved head profile: what can be read can be written and read again.
  static let profile = FuzzTarget("profile") { bytes in
    let profile = try HeadProfile(json: Data(bytes))
    let again = try HeadProfile(json: profile.json())
    try BrokenLaw.unless(again == profile, "a profile that reads otherwise once written")
    _ = profile.evenFarMass
  }

  private static func sealed(_ bytes: [UInt8]) -> [UInt8] {
    guard bytes.count > 8 else { return bytes }
    let length = bytes[..<8].reversed().reduce(0) { $0 << 8 | UInt64($1) }
    guard length <= UInt64(bytes.count - 8) else { return bytes }
    var header = Array(bytes[8..<8 + Int(length)])
    HeaderSeal.close(&header, [HeaderSeal.key: HeaderSeal.open])
    return bytes[..<8] + header + bytes[(8 + Int(length))...]
  }
}
