internal import HeadKVFiles

/// What a sequence's cache may hold, as people say it.
///
/// `1/6` or `17%`: a share of the picture's tokens, rounded to the nearest; `100%` is the full cache. `43rows`: rows of each
/// head. `64MiB`: bytes of the whole sequence, allocated memory included, never exceeded.
public enum CacheBudget: Sendable, Hashable, CustomStringConvertible {
  case share(Double)
  case rows(Int)
  case bytes(Int)

  /// - Throws: ``CacheBudgetError`` for anything but the three forms, and for nothing left to hold.
  public init(parsing text: String) throws(CacheBudgetError) {
    let trimmed = text.filter { $0 != " " && $0 != "_" }.lowercased()
    guard let budget = Self.parse(trimmed) else { throw .malformed(text) }
    self = budget
    switch budget {
    case .share(let share) where !(share > 0 && share <= 1): throw .shareOutOfRange(text)
    case .rows(let count) where count < 1: throw .nothing(text)
    case .bytes(let count) where count < 1: throw .nothing(text)
    default: break
    }
  }

  /// A text that ``init(parsing:)`` reads as this very budget.
  public var description: String {
    switch self {
    case .rows(let count): return "\(count)rows"
    case .bytes(let count):
      let unit = Self.units.first { count >= Int($0.bytes) && count % Int($0.bytes) == 0 }
      guard let unit, unit.suffix.count == 3 else { return "\(count)B" }
      return "\(count / Int(unit.bytes))" + ["gib": "GiB", "mib": "MiB", "kib": "KiB"][unit.suffix]!
    case .share(let share):
      let percent = (share * 100).rounded()
      if percent / 100 == share { return "\(Int(percent))%" }
      let parts = (1 / share).rounded()
      return parts < 1e6 && 1 / parts == share ? "1/\(Int(parts))" : "\(share)"
    }
  }

  private static let units: [(suffix: String, bytes: Double)] = [
    ("gib", 1_073_741_824), ("mib", 1_048_576), ("kib", 1024), ("gb", 1e9), ("mb", 1e6),
    ("kb", 1e3), ("b", 1),
  ]

  private static func parse(_ text: String) -> CacheBudget? {
    func number(_ digits: some StringProtocol) -> Double? {
      guard let value = Double(String(digits)), value.isFinite, value >= 0, value < 1e15 else {
        return nil
      }
      return value
    }
    if text.hasSuffix("%") { return number(text.dropLast()).map { .share($0 / 100) } }
    for suffix in ["rows", "row"] where text.hasSuffix(suffix) {
      return Int(text.dropLast(suffix.count)).map { .rows($0) }
    }
    for unit in units where text.hasSuffix(unit.suffix) {
      guard let value = number(text.dropLast(unit.suffix.count)), value * unit.bytes < 1e18 else {
        return nil
      }
      return .bytes(Int(value * unit.bytes))
    }
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
    if parts.count == 2 {
      guard let above = number(parts[0]), let below = number(parts[1]), below > 0 else {
        return nil
      }
      return .share(above / below)
    }
    return number(text).map { .share($0) }
  }

  /// Rows that each head may keep on average after an update, prefix included.
  ///
  /// - Parameters:
  ///   - slack: rows that a head may hold beyond these between updates; a size in bytes has to hold
  ///     them too, however rows are split between heads.
  ///   - beside: what a size in bytes has to hold beside the cache.
  /// - Throws: ``CacheBudgetError/tooSmall(rows:needed:)`` if the prefix and one row do not fit.
  public func rowsPerHead(
    _ shape: SequenceShape, slack: Int? = nil, beside: Int = 0
  ) throws(CacheBudgetError) -> Int {
    let slack = slack ?? shape.rowsPerStep
    let rows: Int
    switch self {
    case .share(1): rows = shape.fullRows
    case .share(let share):
      rows = min(Int((share * Double(shape.grid.count)).rounded()), shape.fullRows)
    case .rows(let count): rows = min(count, shape.fullRows)
    case .bytes(let bytes):
      let limit = bytes - beside
      // Without eviction there is no slack, so the full cache may fit where a little less does not.
      rows =
        shape.byteCount(rowsPerHead: shape.fullRows) <= limit
        ? shape.fullRows
        : Self.largest(upTo: shape.fullRows) {
          shape.mostBytes(rows: ($0 + slack) * shape.allHeads) <= limit
        }
    }
    let needed = shape.prefixRows + 1
    guard rows >= needed else { throw .tooSmall(rows: rows, needed: needed) }
    return rows
  }

  /// The largest number in `0...limit` for which `fits` holds; `fits` is monotone.
  private static func largest(upTo limit: Int, where fits: (Int) -> Bool) -> Int {
    var low = 0
    var high = limit
    while low < high {
      let middle = (low + high + 1) / 2
      if fits(middle) { low = middle } else { high = middle - 1 }
    }
    return low
  }
}

/// Why a cache budget cannot be used.
public enum CacheBudgetError: Error, Sendable, Equatable, CustomStringConvertible {
  case malformed(String)
  case shareOutOfRange(String)
  case nothing(String)
  case tooSmall(rows: Int, needed: Int)

  public var description: String { text.onOneLine }

  private var text: String {
    switch self {
    case .malformed(let text):
      "cache budget '\(text)' is not a share (1/6, 17%), rows (43rows) or a size (64MiB)"
    case .shareOutOfRange(let text):
      "cache budget '\(text)' is not above 0 and at most 100 % of the full cache"
    case .nothing(let text): "cache budget '\(text)' holds nothing"
    case .tooSmall(let rows, let needed):
      "cache budget gives each head \(rows) row\(rows == 1 ? "" : "s"); at least \(needed) are needed (prefix and newest row)"
    }
  }
}
