public enum WeightFormat: String, Sendable {
  case safetensors
  case shardedSafetensors
  case torch
}

/// The tensors of a weight file, found without reading their data.
public final class TensorCatalog: Sendable {
  public let path: String
  public let format: WeightFormat
  public let metadata: [String: String]
  /// Sorted by name.
  public let tensors: [TensorInfo]
  /// Names of what lies beside the model and is not read.
  public let skipped: [String]
  private let places: [String: Int]
  private let files: [String: MappedFile]

  init(
    path: String, format: WeightFormat, tensors: [TensorInfo], files: [MappedFile],
    metadata: [String: String] = [:], skipped: [String] = []
  ) {
    self.path = path
    self.format = format
    self.metadata = metadata
    self.skipped = skipped
    let sorted = tensors.sorted { $0.name < $1.name }
    self.tensors = sorted
    places = Dictionary(
      sorted.enumerated().map { ($0.element.name, $0.offset) }, uniquingKeysWith: { a, _ in a })
    self.files = Dictionary(files.map { ($0.path, $0) }, uniquingKeysWith: { a, _ in a })
  }

  /// Opens a weight file by what it holds: a PyTorch archive or safetensors.
  ///
  /// - Throws: ``WeightError``, naming the file and the cause.
  public static func open(_ path: String) throws(WeightError) -> TensorCatalog {
    try read(MappedFile(path: path))
  }

  /// The same for bytes in memory; `name` stands for the path in errors.
  public static func read(_ bytes: [UInt8], name: String) throws(WeightError) -> TensorCatalog {
    guard !bytes.isEmpty else { throw WeightError(name, .malformed("the file is empty")) }
    return try read(MappedFile(copying: bytes, name: name))
  }

  private static func read(_ file: MappedFile) throws(WeightError) -> TensorCatalog {
    if ZipArchive.recognises(file) {
      let (tensors, skipped) = try TorchArchive.read(file)
      return TensorCatalog(
        path: file.path, format: .torch, tensors: tensors, files: [file], skipped: skipped)
    }
    let (tensors, metadata) = try Safetensors.read(file)
    return TensorCatalog(
      path: file.path, format: .safetensors, tensors: tensors, files: [file], metadata: metadata)
  }

  public subscript(_ name: String) -> TensorInfo? { places[name].map { tensors[$0] } }

  /// - Throws: ``WeightError`` if there is no tensor of that name.
  public func tensor(_ name: String) throws(WeightError) -> StoredTensor {
    guard let info = self[name], let file = files[info.file] else {
      throw WeightError(path, .missing, tensor: name)
    }
    return StoredTensor(info, file)
  }

  /// - Throws: ``WeightError`` if it is missing or has another shape.
  public func tensor(_ name: String, shape: [Int]) throws(WeightError) -> StoredTensor {
    let tensor = try tensor(name)
    guard tensor.info.shape == shape else {
      throw WeightError(
        tensor.info.file, .shape(expected: shape, found: tensor.info.shape), tensor: name)
    }
    return tensor
  }
}
