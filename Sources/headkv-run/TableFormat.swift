import ArgumentParser

/// How a table is printed.
enum TableFormat: String, ExpressibleByArgument, CaseIterable {
  case text, md, csv, json

  /// The rows as text, the first of them being the heads of the columns; the first `words` columns
  /// are set flush left.
  func table(_ rows: [[String]], words: Int) -> String {
    switch self {
    case .csv: return rows.map { $0.joined(separator: ",") + "\n" }.joined()
    case .md:
      let rule = "|" + rows[0].map { _ in "---|" }.joined() + "\n"
      let text = rows.map { "| " + $0.joined(separator: " | ") + " |\n" }
      return text[0] + rule + text.dropFirst().joined()
    case .text, .json:
      let widths = rows[0].indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
      return rows.map { row in
        row.enumerated().map { column, cell in
          let space = String(repeating: " ", count: widths[column] - cell.count)
          return column < words ? cell + space : space + cell
        }.joined(separator: "  ") + "\n"
      }.joined()
    }
  }
}
