/// Precomputed text features: `captions` [N, T, D] and `mask` [N, T].
package enum CaptionFile {
  /// - Throws: ``WeightError``, ``ModelError`` or ``OptionError``, naming file and tensor.
  package static func read(_ path: String) throws -> [Caption] {
    try read(TensorCatalog.open(path))
  }

  package static func read(_ catalog: TensorCatalog) throws -> [Caption] {
    let features = try catalog.tensor("captions")
    let shape = features.info.shape
    guard shape.count == 3, shape.allSatisfy({ $0 > 0 }) else {
      throw OptionError(
        "\(catalog.path): captions", "of shape \(shape)", "[captions, tokens, features]")
    }
    let mask = try catalog.tensor("mask", shape: [shape[0], shape[1]]).floats()
    let values = try features.floats()
    let size = shape[1] * shape[2]
    return try (0..<shape[0]).map { index in
      try Caption(
        features: Array(values[index * size..<(index + 1) * size]), dimension: shape[2],
        mask: Array(mask[index * shape[1]..<(index + 1) * shape[1]]))
    }
  }
}
