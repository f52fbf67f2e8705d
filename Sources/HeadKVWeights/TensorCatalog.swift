/// How a set of weights is stored.
public enum WeightFormat: String, Sendable {
  /// One safetensors file.
  case safetensors
  /// Several safetensors files behind a JSON index.
  case shardedSafetensors
  /// A zip archive written by `torch.save`.
  case torch
}

/// A tensor found by one of the readers, and the number of the file that holds it.
struct FoundTensor {
  var info: TensorInfo
  var file: Int
}

/// What a reader found.
struct Contents {
  var files: [MappedFile]
  var tensors: [FoundTensor]
  var metadata: [String: String] = [:]
  var skipped: [String] = []
}

/// The tensors of a weight file, by name.
///
/// Opening maps the file and reads its directory; elements are read only when asked for. Every
/// tensor in the catalog has been checked to lie inside its file. No code stored in a file is run.
public final class TensorCatalog: Sendable {
  /// The path that was opened: a file, or the index for sharded weights.
  public let path: String
  /// How the weights are stored.
  public let format: WeightFormat
  /// The text the file carries about itself, such as `__metadata__` of safetensors.
  public let metadata: [String: String]
  /// All tensors, sorted by name.
  public let tensors: [TensorInfo]
  /// The names of what lies beside the state dict and is not read, such as `optimizer`.
  public let skipped: [String]

  private let files: [MappedFile]
  private let fileOf: [Int]
  private let places: [String: Int]

  /// Opens the weights at `path`, whose format is told from the contents: a zip archive is taken
  /// for one of `torch.save`, a name that ends in `.index.json` for an index of shards, a
  /// directory for the index or the only safetensors file in it, anything else for safetensors.
  ///
  /// O(directory of the file) time and memory, however large the tensors are. Throws when a system
  /// call fails and when the contents are not a sound file of the format.
  public static func open(_ path: String) throws(WeightError) -> TensorCatalog {
    var path = path
    if Directory.exists(path) { path = try Directory.weights(in: path) }
    if path.hasSuffix(".index.json") {
      return try TensorCatalog(
        path: path, format: .shardedSafetensors, contents: ShardIndex.read(path))
    }
    return try read(MappedFile(path: path))
  }

  /// Reads a safetensors file or an archive of `torch.save` from memory; `name` stands for its
  /// path in errors. Copies `bytes`, otherwise as ``open(_:)``.
  public static func read(_ bytes: [UInt8], name: String) throws(WeightError) -> TensorCatalog {
    try read(MappedFile(contents: bytes, name: name))
  }

  private static func read(_ file: MappedFile) throws(WeightError) -> TensorCatalog {
    if ZipArchive.isZip(file) {
      return try TensorCatalog(
        path: file.path, format: .torch, contents: TorchArchive.read(file))
    }
    return try TensorCatalog(
      path: file.path, format: .safetensors, contents: Safetensors.read(file))
  }

  private init(path: String, format: WeightFormat, contents: Contents) throws(WeightError) {
    let sorted = contents.tensors.sorted { $0.info.name < $1.info.name }
    var places: [String: Int] = [:]
    places.reserveCapacity(sorted.count)
    for (index, found) in sorted.enumerated() {
      if places.updateValue(index, forKey: found.info.name) != nil {
        throw WeightError(
          file: path, tensor: found.info.name, problem: .duplicate(found.info.name))
      }
    }
    self.path = path
    self.format = format
    self.metadata = contents.metadata
    self.skipped = contents.skipped
    self.tensors = sorted.map(\.info)
    self.fileOf = sorted.map(\.file)
    self.files = contents.files
    self.places = places
  }

  /// The paths of the files that hold the tensors: the one opened, or the shards of an index.
  public var paths: [String] { files.map(\.path) }

  /// Asks the system to map the files in huge pages, where it can.
  package func preferHugePages() {
    for file in files { file.preferHugePages() }
  }

  /// The tensor of that name, or nil. O(1).
  public subscript(_ name: String) -> TensorInfo? { places[name].map { tensors[$0] } }

  /// The tensor of that name. O(1); reads no elements. Throws when there is none.
  public func tensor(_ name: String) throws(WeightError) -> StoredTensor {
    guard let index = places[name] else {
      throw WeightError(file: path, tensor: name, problem: .missingTensor)
    }
    return try StoredTensor(info: tensors[index], file: files[fileOf[index]])
  }

  /// The tensor of that name and shape. O(rank); reads no elements. Throws when there is no such
  /// tensor and when its shape is another.
  public func tensor(_ name: String, shape: [Int]) throws(WeightError) -> StoredTensor {
    let found = try tensor(name)
    guard found.info.shape == shape else {
      throw WeightError(
        file: found.info.file, tensor: name,
        problem: .shapeMismatch(expected: shape, found: found.info.shape))
    }
    return found
  }
}
