internal import CHeadKVKernels

/// Queries that are asked again of a head's rows, to see what fewer rows would have changed.
///
/// The rows stand in the order in which they were appended, the prefix first. Up to ``most`` queries
/// are asked at a time; each sees the rows up to its own.
@safe
package struct AskedQueries: ~Copyable {
  /// Queries at most.
  package static let most = 16

  private let rows: Int
  private let prefix: Int
  package let size: Int
  /// What is computed, a cache line for the lanes of a number, then keys, values and tokens of the
  /// rows.
  private let numbers: AlignedBuffer<Float>
  /// `[size][most]`.
  private let queries: AlignedBuffer<Float>
  private let seen: AlignedBuffer<Int32>
  private var count = 0

  /// - Parameters:
  ///   - rows: rows of `size` elements, of which the first `prefix` stay whatever goes.
  package init(rows: Int, prefix: Int, size: Int) {
    precondition(prefix >= 0 && rows >= prefix && size >= 0, "no such rows")
    self.rows = rows
    self.prefix = prefix
    self.size = size
    let lanes = Self.most
    numbers = AlignedBuffer(
      count: 2 * rows * size + rows + lanes * (2 * rows + 1 + size), repeating: 0)
    queries = AlignedBuffer(count: size * lanes, repeating: 0)
    seen = AlignedBuffer(count: lanes, repeating: 0)
  }

  /// Keys of the rows, `[rows, size]`, to be filled in; likewise ``values``.
  package var keys: UnsafeMutablePointer<Float> {
    unsafe numbers.base + Self.most * (2 * rows + 1 + size)
  }
  package var values: UnsafeMutablePointer<Float> { unsafe keys + rows * size }
  /// Tokens that each row stands for, to be filled in.
  package var counts: UnsafeMutablePointer<Float> { unsafe values + rows * size }

  private var view: hkv_queries {
    let lanes = Self.most
    let logits = unsafe numbers.base
    let weights = unsafe logits + lanes * rows
    let mass = unsafe weights + lanes * rows
    return unsafe hkv_queries(
      rows: rows, dim: size, prefix: prefix, values: values, counts: counts, seen: seen.base,
      logits: logits, weights: weights, mass: mass, total: mass + lanes)
  }

  /// Adds a query that sees the first `rows` rows.
  ///
  /// - Precondition: there are fewer than ``most``.
  package mutating func add(_ query: UnsafePointer<Float>, seeing rows: Int) {
    precondition(count < Self.most && rows >= 0 && rows <= self.rows, "no room for a query")
    for index in 0..<size {
      unsafe queries.base[Self.most * index + count] = query[index]
    }
    unsafe seen.base[count] = Int32(rows)
    count += 1
  }

  /// Weighs all rows for all queries: once, when all of both are there.
  package func weigh() {
    unsafe withUnsafePointer(to: view) {
      unsafe hkv_weigh_queries($0, keys, queries.base, 1 / Float(size).squareRoot())
    }
  }

  /// Floats of room that ``addErrors(clusters:of:fewest:horizon:room:to:)`` works in.
  package static func room(size: Int, clusters: Int) -> Int { hkv_pool_room(size, clusters) }

  /// Adds to `errors[w]` what each query's output changes by, |o - o'|^2, if all rows but the prefix,
  /// the query's own and `w` before it become the means of their clusters, or go if there are none.
  ///
  /// - Parameters:
  ///   - of: the cluster of each row behind the prefix, below `clusters`.
  ///   - fewest: tokens of old rows below which a window is not measured.
  ///   - horizon: old rows weigh, in both outputs, as much as `horizon - w` tokens where these are
  ///     more; nil: as what they are.
  ///   - errors: one for each row behind the prefix.
  /// - Precondition: the rows have been weighed.
  /// - Complexity: O(rows * size) for all queries together.
  package func addErrors(
    clusters: Int, of numbers: UnsafePointer<Int32>, fewest: Float, horizon: Float?,
    room: UnsafeMutablePointer<Float>, to errors: UnsafeMutablePointer<Double>
  ) {
    unsafe withUnsafePointer(to: view) {
      unsafe hkv_pool_errors($0, numbers, clusters, fewest, horizon ?? 0, room, errors)
    }
  }
}
