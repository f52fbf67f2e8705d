/// ``Selection`` and ``Extent`` by their definitions.
package enum ReferenceSelection {
  package static func extent(_ values: [Float]) -> Extent {
    let numbers = values.filter { !$0.isNaN }
    return Extent(least: numbers.min() ?? .infinity, most: numbers.max() ?? -.infinity)
  }

  /// The k-th largest number, k from 1 on.
  package static func kthLargest(_ values: [Float], _ k: Int) -> Float {
    let sorted = values.filter { !$0.isNaN }.sorted(by: >)
    return k <= sorted.count ? sorted[k - 1] : -.infinity
  }

  /// The indices of the `k` largest numbers, of all that equal the last of them, or of all for 0.
  package static func candidates(_ values: [Float], atLeast k: Int) -> [Int32] {
    let least = k > 0 ? kthLargest(values, k) : -.infinity
    return values.indices.filter { values[$0] >= least }.map { Int32($0) }
  }
}
