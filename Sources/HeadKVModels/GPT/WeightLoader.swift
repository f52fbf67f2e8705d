import HeadKVMath
import HeadKVWeights

/// Takes tensors out of a catalog one by one and keeps account of those nobody took.
struct WeightLoader {
  let catalog: TensorCatalog
  private let precision: WeightPrecision
  private let pool: WorkerPool
  private let arena = WeightArena()
  private var taken: Set<String> = []

  /// - Parameter threads: threads that pack weights; at most 1024.
  init(_ catalog: TensorCatalog, precision: WeightPrecision, threads: Int) {
    self.catalog = catalog
    self.precision = precision
    pool = WorkerPool(threads: precision == .auto ? 1 : threads)
  }

  private mutating func tensor(_ name: String, _ shape: [Int]) throws(ModelError) -> StoredTensor {
    taken.insert(name)
    do { return try catalog.tensor(name, shape: shape) } catch { throw .weights(error) }
  }

  /// A matrix `[rows, columns]` of the precision asked for. The pages of the file that were read
  /// to pack it are given back, so that it is in memory once.
  mutating func linear(_ name: String, _ rows: Int, _ columns: Int) throws(ModelError) -> Linear {
    let plain = try table(name, rows, columns)
    guard let packing = precision.packing else { return plain }
    let packed = plain.packed(packing, arena: arena, pool: pool)
    try tensor(name, [rows, columns]).forgetPages()
    return packed
  }

  /// A matrix `[rows, columns]`, left where it lies in the file if its type and place allow.
  mutating func table(_ name: String, _ rows: Int, _ columns: Int) throws(ModelError) -> Linear {
    let tensor = try tensor(name, [rows, columns])
    let element: WeightElement? =
      switch tensor.info.dtype {
      case .f32: .f32
      case .bf16: .bf16
      case .f16: .f16
      default: nil
      }
    if let element, let bytes = unsafe tensor.contiguousBytes, let base = bytes.baseAddress {
      return unsafe Linear(
        base: base, element: element, outFeatures: rows, inFeatures: columns, owner: tensor)
    }
    let copy = FloatStorage(try floats(tensor))
    return unsafe Linear(
      base: copy.base, element: .f32, outFeatures: rows, inFeatures: columns, owner: copy)
  }

  /// A small tensor as f32.
  mutating func vector(_ name: String, _ shape: Int...) throws(ModelError) -> FloatStorage {
    FloatStorage(try floats(tensor(name, shape)))
  }

  /// Leaves a tensor that is known and not needed.
  mutating func ignore(_ name: String) { taken.insert(name) }

  /// Tensors of the file that nobody took or ignored.
  var unexpected: [String] { catalog.tensors.map(\.name).filter { !taken.contains($0) } }

  private func floats(_ tensor: StoredTensor) throws(ModelError) -> [Float] {
    do { return try tensor.floats() } catch { throw .weights(error) }
  }
}

/// Read-only f32 values that several threads read.
final class FloatStorage: Sendable {
  private let buffer: AlignedBuffer<Float>
  var count: Int { buffer.count }
  var base: UnsafePointer<Float> { unsafe UnsafePointer(buffer.base) }

  init(_ values: [Float]) {
    buffer = AlignedBuffer(count: values.count, repeating: 0)
    for (index, value) in values.enumerated() { unsafe buffer.base[index] = value }
  }
}
