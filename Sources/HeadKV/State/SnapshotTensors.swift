import Foundation
import HeadKVCache
import HeadKVWeights

/// The tensors of one cache in a file of saved pictures.
struct SnapshotTensors {
  private let catalog: TensorCatalog
  private let prefix: String

  init(_ catalog: TensorCatalog, _ prefix: String) {
    self.catalog = catalog
    self.prefix = prefix
  }

  // MARK: - Writing

  static func tensors(of cache: CacheSnapshot, _ prefix: String) throws -> [TensorToWrite] {
    let (rows, shape) = (cache.rows, cache.shape)
    let count = rows.positions.count
    let size = [count, shape.headDimension]
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys]
    let notes = [UInt8](try encoder.encode(cache.notes))
    var tensors: [TensorToWrite] = [
      .i32(
        prefix + "counts", [shape.layers, shape.heads], rows.counts.values.map(Int32.init)),
      .bytes(prefix + "keys", shape.element.dtype, size, rows.keys),
      .bytes(prefix + "values", shape.element.dtype, size, rows.values),
      .i32(prefix + "positions", [count], rows.positions),
      .i32(prefix + "births", [count], rows.births),
      .f32(prefix + "scores", [count], rows.scores),
      .f32(prefix + "biases", [count], rows.biases),
      .bytes(prefix + "notes", .u8, [notes.count], notes),
    ]
    if !rows.keyScales.isEmpty {
      tensors.append(.f32(prefix + "key_scales", [count], rows.keyScales))
      tensors.append(.f32(prefix + "value_scales", [count], rows.valueScales))
    }
    if let watch = cache.watch {
      tensors.append(.f32(prefix + "profile_sums", [watch.sums.count], watch.sums))
      tensors.append(
        .bytes(
          prefix + "queries", .f16, [watch.queries.count],
          watch.queries.flatMap { [UInt8(truncatingIfNeeded: $0), UInt8($0 >> 8)] }))
      tensors.append(.i32(prefix + "query_births", [watch.births.count], watch.births))
    }
    return tensors
  }

  // MARK: - Reading

  /// - Throws: ``WeightError`` or ``OptionError`` naming the tensor; that the numbers fit a policy is
  ///   checked when the cache is restored.
  func snapshot(_ element: CacheElement, _ grid: TokenGrid) throws -> CacheSnapshot {
    let counts = try catalog.tensor(prefix + "counts")
    guard counts.info.shape.count == 2, counts.info.shape.allSatisfy({ (1...4096).contains($0) })
    else { throw wrong("counts", "of shape \(counts.info.shape)", "[layers, heads]") }
    let values = try counts.integers().map { value in
      guard (0...Int64(grid.count) + 65_536).contains(value) else {
        throw wrong("counts", "\(value)", "rows of a head")
      }
      return Int(value)
    }
    let rowCount = values.reduce(0, +)
    let keys = try catalog.tensor(prefix + "keys")
    guard keys.info.shape.count == 2, keys.info.shape[0] == rowCount,
      (1...65_536).contains(keys.info.shape[1])
    else { throw wrong("keys", "of shape \(keys.info.shape)", "[\(rowCount), headDimension]") }
    let dimension = keys.info.shape[1]
    var rows = SnapshotRows(
      counts: HeadMap(
        layers: counts.info.shape[0], heads: counts.info.shape[1], values: values))
    rows.keys = try bytes("keys", element.dtype, [rowCount, dimension])
    rows.values = try bytes("values", element.dtype, [rowCount, dimension])
    rows.positions = try integers("positions", rowCount)
    rows.births = try integers("births", rowCount)
    rows.scores = try floats("scores", rowCount)
    rows.biases = try floats("biases", rowCount)
    if element == .int8 {
      rows.keyScales = try floats("key_scales", rowCount)
      rows.valueScales = try floats("value_scales", rowCount)
    }
    let notes = try notes()
    guard (0...65_536).contains(notes.prefixRows) else {
      throw wrong("notes", "of \(notes.prefixRows) prefix rows", "0 to 65536")
    }
    return CacheSnapshot(
      shape: SequenceShape(
        layers: rows.counts.layers, heads: rows.counts.heads, headDimension: dimension,
        prefixRows: notes.prefixRows, grid: grid, element: element),
      notes: notes, rows: rows, watch: try watch())
  }

  private func notes() throws -> SnapshotNotes {
    let stored = try catalog.tensor(prefix + "notes")
    let json = try bytes("notes", .u8, [stored.info.elementCount])
    do { return try JSONDecoder().decode(SnapshotNotes.self, from: Data(json)) } catch {
      throw wrong("notes", "not JSON of a cache", "so")
    }
  }

  private func watch() throws -> WatchSnapshot? {
    guard let sums = catalog[prefix + "profile_sums"] else { return nil }
    let queries = try catalog.tensor(prefix + "queries")
    let births = try catalog.tensor(prefix + "query_births")
    let halves = try bytes("queries", .f16, [queries.info.elementCount])
    return WatchSnapshot(
      sums: try floats("profile_sums", sums.elementCount),
      queries: stride(from: 0, to: halves.count, by: 2).map {
        UInt16(halves[$0]) | UInt16(halves[$0 + 1]) << 8
      },
      births: try integers("query_births", births.info.elementCount))
  }

  private func bytes(_ name: String, _ dtype: DType, _ shape: [Int]) throws -> [UInt8] {
    let stored = try catalog.tensor(prefix + name, shape: shape)
    guard stored.info.dtype == dtype else {
      throw wrong(name, "of type \(stored.info.dtype.rawValue)", "of type \(dtype.rawValue)")
    }
    return try stored.bytes()
  }

  private func integers(_ name: String, _ count: Int) throws -> [Int32] {
    try catalog.tensor(prefix + name, shape: [count]).integers().map { value in
      guard let number = Int32(exactly: value) else {
        throw wrong(name, "\(value)", "a number of 32 bits")
      }
      return number
    }
  }

  private func floats(_ name: String, _ count: Int) throws -> [Float] {
    try catalog.tensor(prefix + name, shape: [count]).floats()
  }

  private func wrong(_ name: String, _ found: String, _ expected: String) -> OptionError {
    OptionError("\(catalog.path): \(prefix)\(name)", found, expected)
  }
}

extension CacheElement {
  /// As files name the type.
  fileprivate var dtype: DType {
    switch self {
    case .f32: .f32
    case .f16: .f16
    case .bf16: .bf16
    case .int8: .i8
    }
  }
}
