import Foundation

/// Rows of results under named columns, to be written as Markdown, CSV or JSON.
package struct ResultTable: Sendable {
  package enum Value: Sendable, Equatable {
    case text(String)
    case integer(Int)
    case number(Double)
    case list([Double])
    /// Not measured, or without meaning here.
    case absent
  }

  /// How a column's numbers look in Markdown.
  package enum Style: Sendable {
    /// Not shown: for CSV and JSON alone.
    case hidden
    case plain
    /// Decimals.
    case decimals(Int)
    /// A share, as percent.
    case percent
    /// Bytes, as MB.
    case megabytes
    /// Bytes a second, as GB/s.
    case gigabytesPerSecond
  }

  package struct Column: Sendable {
    /// The name in CSV and JSON.
    package let key: String
    /// The heading in Markdown.
    package let title: String
    package let style: Style

    package init(_ key: String, _ title: String, _ style: Style = .plain) {
      self.key = key
      self.title = title
      self.style = style
    }
  }

  package let columns: [Column]
  /// A value for each column.
  package let rows: [[Value]]
  /// A line that Markdown puts above the table.
  package let caption: String

  /// - Precondition: each row has a value for each column.
  package init(caption: String, columns: [Column], rows: [[Value]]) {
    precondition(rows.allSatisfy { $0.count == columns.count }, "a value for each column")
    self.caption = caption
    self.columns = columns
    self.rows = rows
  }
}
