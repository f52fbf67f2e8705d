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
    let packing = packing(of: name)
    let panels = unsafe try tensor(
      Self.panels(name), packing.storedShape(outFeatures: rows, inFeatures: columns),
      packing.storedType)
    var scales: FloatStorage?
    if packing == .int8 { scales = try vector(Self.scales(name), rows) }
    let matrix = unsafe PackedMatrix(
      packing: packing, outFeatures: rows, inFeatures: columns, panels: panels.base,
      scales: scales?.base, owner: panels.owner)
    if let problem = matrix.listProblem {
      throw .weights(
        WeightError(
          file: catalog.path, tensor: Self.panels(name), offset: unsafe panels.owner.info.offset,
          problem: .malformed(problem)))
    }
    return Linear(matrix)
  }

  /// A matrix that the precision cannot hold is stored as the substitute, and has its type.
  private func packing(of name: String) -> Packing {
    guard let packing = precision.packing else {
      preconditionFailure("a packed file has a precision")
    }
    guard let substitute = packing.substitute,
      catalog[Self.panels(name)]?.dtype == substitute.storedType
    else { return packing }
    return substitute
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
  /// The type under which panels are stored. Bytes are 128 more than the numbers they stand for; what
  /// bf12 is has no type of its own.
  var storedType: DType {
    switch self {
    case .f32: .f32
    case .bf16: .bf16
    case .int8, .bf12: .u8
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
