/// One of n parts of a list of pictures: every n-th one.
///
/// Parts differ by one picture at most, and each has some of every class.
struct Shard: Equatable {
  /// From 1.
  let index: Int
  let count: Int

  /// All pictures.
  static let whole = Shard(index: 1, count: 1)
  static let most = 1_000_000

  /// Reads `i/n`, i from 1 to n; nil for anything else.
  init?(_ text: String) {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false).map { part in
      part.utf8.allSatisfy { (48...57).contains($0) } ? Int(part) : nil
    }
    guard parts.count == 2, let index = parts[0], let count = parts[1],
      (1...Self.most).contains(count), (1...count).contains(index)
    else { return nil }
    self.init(index: index, count: count)
  }

  private init(index: Int, count: Int) {
    self.index = index
    self.count = count
  }

  /// Numbers, from 0, of its pictures among `total`.
  func numbers(of total: Int) -> [Int] { Array(stride(from: index - 1, to: total, by: count)) }

  /// For names of files: `03-of-16`.
  var name: String {
    let (digits, all) = (String(index), String(count))
    return String(repeating: "0", count: all.count - digits.count) + digits + "-of-" + all
  }
}
