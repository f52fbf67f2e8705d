/// Reads the JSON index of sharded safetensors files, and the shards it names.
package enum ShardIndex {
  /// The most shards an index may name; each stays mapped.
  static let maximumShards = 4096

  /// The shard of each tensor, from the text of an index. O(text).
  package static func parse(_ bytes: [UInt8], path: String) throws(WeightError) -> [String: String] {
    var map: [String: String]?
    var json = JSONReader(bytes, path: path, start: 0)
    try json.object { (key, json) throws(WeightError) in
      guard key == "weight_map" else { return try json.skip() }
      var entries: [String: String] = [:]
      try json.object { (name, json) throws(WeightError) in
        let shard = try json.string()
        guard isPlain(shard) else {
          throw WeightError(
            file: path, tensor: name,
            problem: .malformed("'\(shard)' is not a plain file name"))
        }
        entries[name] = shard
      }
      map = entries
    }
    try json.finish()
    guard let map else { throw WeightError(file: path, problem: .missingMember("weight_map")) }
    return map
  }

  /// Whether the name stays in the directory of the index.
  private static func isPlain(_ name: String) -> Bool {
    !name.isEmpty && name != "." && name != ".." && name.utf8.count <= 255
      && !name.utf8.contains { $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: "\\") || $0 == 0 }
  }

  /// Maps every shard and takes from each the tensors the index places there. Tensors a shard has
  /// beyond those are listed as skipped. O(index + headers).
  static func read(_ path: String) throws(WeightError) -> Contents {
    let index = try MappedFile(path: path)
    guard index.count <= Safetensors.maximumHeader else {
      throw WeightError(
        file: path,
        problem: .limit(
          what: "index bytes", atMost: Safetensors.maximumHeader, found: index.count))
    }
    var reader = try ByteReader(index, 0..<index.count)
    let map = try parse(try reader.bytes(index.count), path: path)
    let shards = Set(map.values).sorted()
    guard shards.count <= maximumShards else {
      throw WeightError(
        file: path, problem: .limit(what: "shards", atMost: maximumShards, found: shards.count))
    }
    let slash = path.utf8.lastIndex(of: UInt8(ascii: "/"))
    let directory = slash.map { String(path[...$0]) } ?? ""
    var contents = Contents(files: [], tensors: [])
    for shard in shards {
      let part = try Safetensors.read(MappedFile(path: directory + shard))
      for var found in part.tensors {
        if map[found.info.name] == shard {
          found.file = contents.files.count
          contents.tensors.append(found)
        } else {
          contents.skipped.append(shard + ":" + found.info.name)
        }
      }
      contents.metadata.merge(part.metadata) { first, _ in first }
      contents.files.append(contentsOf: part.files)
    }
    if contents.tensors.count != map.count {
      let found = Set(contents.tensors.map(\.info.name))
      if let lost = map.keys.filter({ !found.contains($0) }).min(), let shard = map[lost] {
        throw WeightError(file: directory + shard, tensor: lost, problem: .missingTensor)
      }
    }
    return contents
  }
}
