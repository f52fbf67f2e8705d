import HeadKVMath

/// Selection without sorting against sorting.
package enum SelectionCheck {
  /// Whether the largest of `count` numbers are found: of a bell, of few different ones, of such as
  /// differ by powers, and with infinite ones and no numbers among them.
  package static func selects(count: Int) -> Bool {
    var numbers = Numbers(count)
    let bell = zip(numbers.list(count), zip(numbers.list(count), numbers.list(count)))
      .map { 4 * ($0 + $1.0 + $1.1) }
    let ties = bell.map { $0.rounded() }
    let powers = bell.enumerated().map { $1 * ($0 % 5 == 0 ? 1e37 : $0 % 5 == 1 ? 1e-37 : 1) }
    var mixed = bell
    for (index, value) in [Float.nan, .infinity, -.infinity, .nan].enumerated() {
      mixed[(7 * index + 3) % count] = value
    }
    let none = [Float](repeating: .nan, count: count)
    let same = [Float](repeating: -2.5, count: count)
    return [bell, ties, powers, mixed, none, same].allSatisfy(selects)
  }

  private static func selects(_ values: [Float]) -> Bool {
    let (count, extent) = (values.count, Extent(values.span))
    guard extent == ReferenceSelection.extent(values) else { return false }
    var selection = Selection(count: count)
    return Set([1, 2, count / 8, count / 3, count - 1, count].filter { $0 >= 1 && $0 <= count })
      .allSatisfy { k in
        guard
          selection.kthLargest(values.span, extent, k) == ReferenceSelection.kthLargest(values, k)
        else { return false }
        let found = selection.candidates(values.span, extent, atLeast: k)
        return (0..<found).map { selection[$0] }
          == ReferenceSelection.candidates(values, atLeast: k < count ? k : 0)
      }
  }
}
