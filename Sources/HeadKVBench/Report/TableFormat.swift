import Foundation

/// The forms in which a table of results is written.
package enum TableFormat: String, Sendable, CaseIterable {
  case md, json, csv

  /// The whole file, with a line end behind it.
  package func text(_ table: ResultTable) -> String {
    switch self {
    case .md: Self.markdown(table)
    case .json: Self.json(table)
    case .csv: Self.csv(table)
    }
  }

  // MARK: - Markdown

  private static func markdown(_ table: ResultTable) -> String {
    // A column that is absent everywhere is left out.
    let shown = table.columns.indices.filter { index in
      if case .hidden = table.columns[index].style { return false }
      return table.rows.contains { $0[index] != .absent }
    }
    func line(_ cells: [String]) -> String { "| " + cells.joined(separator: " | ") + " |" }
    var lines = [table.caption, ""]
    lines.append(line(shown.map { table.columns[$0].title }))
    lines.append("|" + String(repeating: "---|", count: shown.count))
    for row in table.rows {
      lines.append(line(shown.map { cell(row[$0], table.columns[$0].style) }))
    }
    return lines.joined(separator: "\n") + "\n"
  }

  private static func cell(_ value: ResultTable.Value, _ style: ResultTable.Style) -> String {
    let number: Double
    switch value {
    case .text(let text): return text.replacing("|", with: "\\|")
    case .absent: return ""
    case .list(let values):
      return values.map { cell(.number($0), style) }.joined(separator: "-")
    case .integer(let integer): number = Double(integer)
    case .number(let value): number = value
    }
    return switch style {
    case .decimals(let digits): String(format: "%.\(digits)f", number)
    case .percent: String(format: "%.0f %%", number * 100)
    case .megabytes: String(format: "%.1f", number / 1e6)
    case .gigabytesPerSecond: String(format: "%.1f", number / 1e9)
    case .plain, .hidden: plain(value)
    }
  }

  // MARK: - CSV

  private static func csv(_ table: ResultTable) -> String {
    func field(_ value: ResultTable.Value) -> String {
      let text = plain(value)
      guard text.contains(where: { ",\"\n\r".contains($0) }) else { return text }
      return "\"" + text.replacing("\"", with: "\"\"") + "\""
    }
    let head = table.columns.map { field(.text($0.key)) }.joined(separator: ",")
    let body = table.rows.map { $0.map(field).joined(separator: ",") }
    return ([head] + body).joined(separator: "\n") + "\n"
  }

  private static func plain(_ value: ResultTable.Value) -> String {
    switch value {
    case .text(let text): text
    case .integer(let integer): String(integer)
    case .number(let number): rounded(number)
    case .list(let values): values.map(rounded).joined(separator: " ")
    case .absent: ""
    }
  }

  // MARK: - JSON

  /// An array of an object for each row, in the order of the columns.
  private static func json(_ table: ResultTable) -> String {
    let rows = table.rows.map { row in
      let members = zip(table.columns, row).map { column, value in
        quoted(column.key) + ": " + json(value)
      }
      return "  {" + members.joined(separator: ", ") + "}"
    }
    return "[\n" + rows.joined(separator: ",\n") + "\n]\n"
  }

  private static func json(_ value: ResultTable.Value) -> String {
    switch value {
    case .text(let text): quoted(text)
    case .list(let values): "[" + values.map(rounded).joined(separator: ", ") + "]"
    case .absent: "null"
    case .integer, .number: plain(value)
    }
  }

  private static func quoted(_ text: String) -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = .withoutEscapingSlashes
    // A string always has a JSON form.
    return String(decoding: try! encoder.encode(text), as: UTF8.self)
  }

  /// Six significant digits: more than a timing has.
  private static func rounded(_ number: Double) -> String {
    guard number.isFinite else { return "0" }
    guard number != 0 else { return "0" }
    let digits = max(0, 5 - Int(log10(abs(number)).rounded(.down)))
    var text = String(format: "%.\(digits)f", number)
    if text.contains(".") {
      while text.hasSuffix("0") { text.removeLast() }
      if text.hasSuffix(".") { text.removeLast() }
    }
    return text
  }
}
