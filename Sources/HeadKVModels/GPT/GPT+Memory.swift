import HeadKVMath

extension GPT {
  /// Bytes that all weights take if matrices are held in `precision`; as ``weightBytes`` for the one
  /// that they are held in, and for `auto`. A matrix that bf12 cannot hold, which no trained one is
  /// known to be, takes a third more than this.
  public func weightBytes(as precision: WeightPrecision) -> Int {
    guard let packing = precision.packing, precision != self.precision else { return weightBytes }
    return weights.reduce(0) { sum, weight in
      switch weight.value {
      case .linear(let matrix):
        sum + packing.byteCount(outFeatures: matrix.outFeatures, inFeatures: matrix.inFeatures)
          + (packing == .int8 ? 4 * matrix.outFeatures : 0)
      case .table(let matrix):
        // Rows are rounded to bf16, or stay as they are.
        sum
          + (packing == .f32
            ? matrix.byteCount
            : min(matrix.byteCount, 2 * matrix.outFeatures * matrix.inFeatures))
      case .vector(let values, _): sum + 4 * values.count
      }
    }
  }
}

extension DecodeEngine {
  /// Bytes, beside caches and weights, of an engine for so many sequences that take one token a
  /// step.
  package static func workBytes(
    _ shape: GPTConfiguration, precision: WeightPrecision, sequences: Int, threads: Int
  ) -> Int {
    DecodeScratch.byteCount(
      shape, precision: precision, sequences: sequences, cacheRows: shape.sequenceShape.fullRows,
      threads: threads)
  }
}
