internal import HeadKVFiles

/// The cache of a sequence as it stands between two steps, with what its policy has learnt of the
/// heads: a value from which ``CacheSession/init(_:restoring:sharingWith:observers:gains:)`` goes on,
/// bit for bit.
///
/// Holds the live rows alone, in the type that the cache holds them in: a compressed cache makes a
/// small snapshot.
public struct CacheSnapshot: Sendable {
  /// The sequences that it is one of.
  public let shape: SequenceShape
  package let notes: SnapshotNotes
  package let rows: SnapshotRows
  /// What is noted of the heads until their budgets stand; nil afterwards, and of a branch that
  /// follows another.
  package let watch: WatchSnapshot?

  package init(
    shape: SequenceShape, notes: SnapshotNotes, rows: SnapshotRows, watch: WatchSnapshot?
  ) {
    self.shape = shape
    self.notes = notes
    self.rows = rows
    self.watch = watch
  }

  /// Name of the policy that the session ran.
  public var policy: String { notes.policy }
  /// Tokens of the picture that have been cached, live or not.
  public var tokens: Int { notes.tokens }
  /// Rows of the prefix that have been cached.
  public var prefixRows: Int { notes.prefixRows }
  /// Live rows over all layers and heads.
  public var liveRows: Int { rows.positions.count }
  /// Bytes that the snapshot takes in memory and, but for names and places, in a file.
  public var byteCount: Int { rows.byteCount + (watch?.byteCount ?? 0) }
}

/// What a session knows beside its rows, in a form that JSON can hold.
package struct SnapshotNotes: Codable, Sendable {
  package var policy: String
  package var tokens: Int
  package var prefixRows: Int
  package var steps: Int32
  /// Tokens at the last update of the rows.
  package var updatedAt: Int
  package var budgets: HeadMap<HeadBudget>
  package var profile: HeadProfile?
  /// What heads were found to lose with fewer rows, layer by layer; empty if none was measured.
  package var curves: [[DistortionCurve.Point]]
}

/// What a session has noted of the heads while their budgets are to be revised.
package struct WatchSnapshot: Sendable {
  /// The profiler's sums; empty if heads are not profiled.
  package var sums: [Float]
  /// Latest queries, as f16 bits, and the steps they belong to; empty if heads are not measured.
  package var queries: [UInt16]
  package var births: [Int32]

  package init(sums: [Float], queries: [UInt16], births: [Int32]) {
    self.sums = sums
    self.queries = queries
    self.births = births
  }

  var byteCount: Int { 4 * sums.count + 2 * queries.count + 4 * births.count }
}

/// A snapshot that cannot be continued under a policy.
public struct SnapshotError: Error, Sendable, Equatable, CustomStringConvertible {
  public let name: String
  public let found: String
  public let expected: String

  package init(_ name: String, _ found: String, _ expected: String) {
    self.name = name
    self.found = found
    self.expected = expected
  }

  public var description: String {
    "saved cache: \(name) is \(found); it must be \(expected)".onOneLine
  }
}
