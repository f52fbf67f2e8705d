import HeadKVMath
import HeadKVWeights

/// Where a model's weights come from, tensor by tensor.
protocol WeightSource {
  var precision: WeightPrecision { get }
  /// Tensors of the file that nobody took or ignored.
  var unexpected: [String] { get }
  /// A matrix `[rows, columns]` of the precision asked for.
  mutating func linear(_ name: String, _ rows: Int, _ columns: Int) throws(ModelError) -> Linear
  /// A matrix `[rows, columns]` that lies row by row.
  mutating func table(_ name: String, _ rows: Int, _ columns: Int) throws(ModelError) -> Linear
  /// A small tensor as f32.
  mutating func vector(_ name: String, _ shape: Int...) throws(ModelError) -> FloatStorage
}

/// Takes tensors out of a catalog one by one, packs what is to be packed, and keeps account of
/// those nobody took.
///
/// Pages of the file that were packed are given back as packing goes on, so that a weight is in
/// memory once.
struct WeightLoader: WeightSource {
  let catalog: TensorCatalog
  let precision: WeightPrecision
  private let pool: WorkerPool
  private let arena = WeightArena()
  private var taken: Set<String> = []

  /// - Parameter threads: threads that pack weights.
  init(_ catalog: TensorCatalog, precision: WeightPrecision, threads: Int) {
    self.catalog = catalog
    self.precision = precision
    pool = WorkerPool(threads: precision == .auto ? 1 : threads)
  }

  private mutating func tensor(_ name: String, _ shape: [Int]) throws(ModelError) -> StoredTensor {
    taken.insert(name)
    do { return try catalog.tensor(name, shape: shape) } catch { throw .weights(error) }
  }

  mutating func linear(_ name: String, _ rows: Int, _ columns: Int) throws(ModelError) -> Linear {
    let tensor = try tensor(name, [rows, columns])
    let plain = try place(tensor, rows, columns)
    guard let packing = precision.packing else { return plain }
    return plain.packed(packing, arena: arena, pool: pool) { tensor.forgetPages($0) }
  }

  /// Left where it lies in the file if its type and place allow. Under bf16, bf12 and int8 f32 is
  /// rounded to bf16: rows are taken from it one by one, so more would not make it faster.
  mutating func table(_ name: String, _ rows: Int, _ columns: Int) throws(ModelError) -> Linear {
    let tensor = try tensor(name, [rows, columns])
    let plain = try place(tensor, rows, columns)
    guard precision != .auto, precision != .f32, plain.isF32 else { return plain }
    return plain.rounded(arena: arena, pool: pool) { tensor.forgetPages($0) }
  }

  mutating func vector(_ name: String, _ shape: Int...) throws(ModelError) -> FloatStorage {
    try FloatStorage(tensor(name, shape))
  }

  /// Leaves a tensor that is known and not needed.
  mutating func ignore(_ name: String) { taken.insert(name) }

  var unexpected: [String] { catalog.tensors.map(\.name).filter { !taken.contains($0) } }

  /// The matrix where it lies in the file, or a copy in f32 if it cannot be used there.
  private func place(
    _ tensor: StoredTensor, _ rows: Int, _ columns: Int
  ) throws(ModelError) -> Linear {
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
    let copy = try FloatStorage(tensor)
    return unsafe Linear(
      base: copy.base, element: .f32, outFeatures: rows, inFeatures: columns, owner: copy)
  }
}

extension Linear {
  /// Whether the weights are f32 and lie in place.
  fileprivate var isF32: Bool { unsafe inPlace?.element == .f32 }
}
