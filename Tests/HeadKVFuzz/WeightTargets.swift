import HeadKV
import HeadKVTestSupport

extension FuzzTarget {
  static let safetensors = FuzzTarget("safetensors") { bytes in
    try readAll(TensorCatalog.read(bytes, name: "fuzz"))
  }

  /// A zip archive of `torch.save`.
  static let archive = FuzzTarget("archive") { bytes in
    try readAll(TensorCatalog.read(Array("PK\u{3}\u{4}".utf8) + bytes, name: "fuzz"))
  }

  /// A pickle inside a sound archive.
  static let pickle = FuzzTarget("pickle") { bytes in
    try readAll(TensorCatalog.read(torchArchive(bytes, storages: storages), name: "fuzz"))
  }

  static let index = FuzzTarget("index") { bytes in
    let shards = try ShardIndex.parse(bytes, path: "fuzz")
    for shard in shards.values {
      try BrokenLaw.unless(!shard.contains("/"), "a shard outside the folder: \(shard)")
    }
  }

  /// Storages that pickles may name.
  static let storages: [String: [UInt8]] = [
    "0": (0..<64).map { UInt8($0) }, "1": [0x80, 0x3f, 0, 0xc0],
  ]

  /// Every tensor of a catalog can be read.
  private static func readAll(_ catalog: TensorCatalog) throws {
    for info in catalog.tensors where info.elementCount <= 4096 {
      let tensor = try catalog.tensor(info.name)
      let floats = try tensor.floats()
      try BrokenLaw.unless(
        floats.count == info.elementCount, "\(floats.count) floats of shape \(info.shape)")
      if info.dtype.isInteger { _ = try tensor.integers() }
      _ = tensor.digest()
    }
  }
}
