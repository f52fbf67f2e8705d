import HeadKV
import HeadKVMath

/// One combination that is timed.
package struct DecodeSetting: Sendable, Hashable {
  package var shape: GPTPreset
  /// Cells on a side.
  package var grid: Int
  package var precision: WeightPrecision
  /// Guided images, two sequences each.
  package var batch: Int
  package var policy: String
  package var budget: BudgetText
  /// Type of the cached rows.
  package var element: CacheElement

  package init(
    shape: GPTPreset, grid: Int, precision: WeightPrecision, batch: Int, policy: String,
    budget: BudgetText, element: CacheElement = .f32
  ) {
    self.shape = shape
    self.grid = grid
    self.precision = precision
    self.batch = batch
    self.policy = policy
    self.budget = budget
    self.element = element
  }

  package var configuration: GPTConfiguration {
    GPTConfiguration(shape, grid: TokenGrid(width: grid, height: grid))
  }

  package var sequences: Int { 2 * batch }

  /// Steps that draw a whole picture: the last token is not fed back.
  package var wholePicture: Int { grid * grid - 1 }

  /// - Throws: ``PolicyError`` if policy and budget do not go together or do not fit the shape.
  package func makePolicy() throws(PolicyError) -> CachePolicy {
    try PolicyCatalog.make(
      policy, budget: budget.budget, shape: configuration.sequenceShape.holding(element))
  }

  /// Bytes that attention reads of a live row: its key and its value.
  package var rowBytes: Int { element.byteCount(headDimension: configuration.headDimension) }

  /// About how many bytes the weights take, embeddings included.
  package var weightBytes: Int {
    let model = configuration
    let tables = (model.vocabulary + 1001) * model.dimension
    let matrices = model.parameters - tables
    return 4 * tables + matrices * (precision.packing?.bitsPerWeight ?? 32) / 8
  }

  package var name: String {
    "\(shape.name) \(grid)x\(grid), \(batch) image\(batch == 1 ? "" : "s"), \(precision.rawValue), "
      + "\(policy)\(budget == .full ? "" : " " + budget.text)"
      + (element == .f32 ? "" : ", \(element.rawValue) rows")
  }
}

extension Packing {
  fileprivate var bitsPerWeight: Int {
    switch self {
    case .f32: 32
    case .bf16: 16
    case .bf12: 12
    case .int8: 8
    }
  }
}
