import Foundation
import HeadKV
import HeadKVMath

/// A list on the command line: parts between commas, each of which means something.
package struct BenchList<Value: Sendable>: Sendable {
  package let values: [Value]

  /// - Parameter parse: the meaning of a part; nil or an error if it has none.
  /// - Throws: ``BenchListError`` naming every part without meaning, or that there are none.
  package init(
    _ text: String, option: String, expected: String, parse: (String) throws -> Value?
  ) throws(BenchListError) {
    let parts = text.split(separator: ",", omittingEmptySubsequences: false)
      .map { $0.trimmingCharacters(in: .whitespaces) }
    let parsed = parts.map { try? parse($0) }
    let bad = zip(parts, parsed).filter { $0.1 == nil }.map(\.0)
    guard bad.isEmpty else {
      throw BenchListError(option: option, found: bad, expected: expected)
    }
    values = parsed.compactMap { $0 }
  }
}

/// Parts of a list that mean nothing.
package struct BenchListError: Error, Equatable, CustomStringConvertible {
  package let option: String
  package let found: [String]
  package let expected: String

  package init(option: String, found: [String], expected: String) {
    self.option = option
    self.found = found
    self.expected = expected
  }

  package var description: String {
    "\(option): " + found.map { "'\($0)'" }.joined(separator: ", ") + " "
      + (found.count == 1 ? "is" : "are") + " not \(expected)"
  }
}

/// A budget and how it was written.
package struct BudgetText: Sendable, Hashable {
  package let text: String
  package let budget: CacheBudget

  package init(_ text: String) throws(CacheBudgetError) {
    self.text = text
    budget = try CacheBudget(parsing: text)
  }

  package static let full = try! BudgetText("1")

  package static func == (a: BudgetText, b: BudgetText) -> Bool { a.budget == b.budget }
  package func hash(into hasher: inout Hasher) { hasher.combine(budget) }
}

extension BenchList where Value == GPTPreset {
  package init(shapes text: String) throws(BenchListError) {
    let names = GPTPreset.all.map { String($0.name.dropFirst("GPT-".count)) }
    try self.init(
      text, option: "--shape", expected: "one of " + names.joined(separator: ", "),
      parse: GPTPreset.named)
  }
}

extension BenchList where Value == Int {
  package init(
    integers text: String, option: String, in range: ClosedRange<Int>
  ) throws(BenchListError) {
    try self.init(
      text, option: option, expected: "a number from \(range.lowerBound) to \(range.upperBound)"
    ) { part in Int(part).flatMap { range.contains($0) ? $0 : nil } }
  }
}

extension BenchList where Value: RawRepresentable<String> & CaseIterable {
  package init(named text: String, option: String) throws(BenchListError) {
    try self.init(
      text, option: option,
      expected: "one of " + Value.allCases.map(\.rawValue).joined(separator: ", "),
      parse: Value.init(rawValue:))
  }
}

extension BenchList where Value == String {
  package init(policies text: String) throws(BenchListError) {
    let names = PolicyCatalog.all.map(\.name)
    try self.init(
      text, option: "--policy", expected: "one of " + names.joined(separator: ", ")
    ) { names.contains($0) ? $0 : nil }
  }
}

extension BenchList where Value == BudgetText {
  package init(budgets text: String) throws(BenchListError) {
    try self.init(
      text, option: "--budget", expected: "a share, rows or bytes such as 1/6, 43rows or 64MiB",
      parse: BudgetText.init)
  }
}
