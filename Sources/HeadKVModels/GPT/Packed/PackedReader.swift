import HeadKVMath
import HeadKVWeights

/// Takes the weights of a packed file where they lie in it.
struct PackedReader: WeightSource {
  /// The tensor of the heads' output gains, `[layers, heads]`.
  static let gains = "output_gains"
  static func panels(_ name: String) -> String { name + ".panels" }
  static func scales(_ name: String) -> String { name + ".scales" }

  let catalog: TensorCatalog
  let precision: WeightPrecision
  private var taken: Set<String> = []

  /// - Precondition: `precision` is not `auto`.
  init(_ catalog: TensorCatalog, precision: WeightPrecision) {
    self.catalog = catalog
    self.precision = precision
  }

  var unexpected: [String] { catalog.tensors.map(\.name).filter { !taken.contains($0) } }

  mutating func linear(_ name: String, _ rows: Int, _ columns: Int) throws(ModelError) -> Linear {
    guard let packing = precision.packing else {
      preconditionFailure("a packed file has a precision")
    }
    let panels = unsafe try tensor(
      Self.panels(name), packing.paddedShape(outFeatures: rows, inFeatures: columns),
      packing.storedType)
    var scales: FloatStorage?
    if packing == .int8 { scales = try vector(Self.scales(name), rows) }
    return unsafe Linear(
      PackedMatrix(
        packing: packing, outFeatures: rows, inFeatures: columns, panels: panels.base,
        scales: scales?.base, owner: panels.owner))
  }

  mutating func table(_ name: String, _ rows: Int, _ columns: Int) throws(ModelError) -> Linear {
    let element: WeightElement =
      switch catalog[name]?.dtype {
      case .bf16: .bf16
      case .f16: .f16
      default: .f32
      }
    let found = unsafe try tensor(name, [rows, columns], element.storedType)
    return unsafe Linear(
      base: found.base, element: element, outFeatures: rows, inFeatures: columns,
      owner: found.owner)
  }

  mutating func vector(_ name: String, _ shape: Int...) throws(ModelError) -> FloatStorage {
    let found = unsafe try tensor(name, shape, .f32)
    return unsafe FloatStorage(
      found.base.assumingMemoryBound(to: Float.self), count: shape.reduce(1, *),
      owner: found.owner)
  }

  /// The elements of a tensor that has that shape and type. The owner keeps the whole file mapped.
  private mutating func tensor(
    _ name: String, _ shape: [Int], _ type: DType
  ) throws(ModelError) -> (base: UnsafeRawPointer, owner: StoredTensor) {
    taken.insert(name)
    do throws(WeightError) {
      let tensor = try catalog.tensor(name, shape: shape)
      func error(_ problem: WeightError.Problem) -> WeightError {
        WeightError(
          file: catalog.path, tensor: name, offset: tensor.info.offset, problem: problem)
      }
      guard tensor.info.dtype == type else {
        throw error(.typeMismatch(expected: type.rawValue, found: tensor.info.dtype.rawValue))
      }
      guard let bytes = unsafe tensor.contiguousBytes, let base = bytes.baseAddress else {
        throw error(.malformed("the elements are not aligned to their size"))
      }
      return unsafe (base, tensor)
    } catch { throw .weights(error) }
  }
}

extension Packing {
  /// The type under which panels are stored; bytes are 128 more than the numbers they stand for.
  var storedType: DType {
    switch self {
    case .f32: .f32
    case .bf16: .bf16
    case .int8: .u8
    }
  }
}

extension WeightElement {
  var storedType: DType {
    switch self {
    case .f32: .f32
    case .bf16: .bf16
    case .f16: .f16
    }
  }
}
