import Foundation
import HeadKVFiles

/// Where a table goes: each part is a format, which is printed, or the name of a file that ends in
/// one, which is written.
package enum TableOutput: Sendable, Equatable {
  case print(TableFormat)
  case file(String, TableFormat)

  package static func list(_ text: String) throws(BenchListError) -> [TableOutput] {
    try BenchList<TableOutput>(
      text, option: "-o", expected: "md, json or csv, or a file name that ends in one",
      parse: { parse($0) }
    ).values
  }

  private static func parse(_ part: String) -> TableOutput? {
    if let format = TableFormat(rawValue: part) { return .print(format) }
    guard let dot = part.lastIndex(of: "."), !part[..<dot].isEmpty, !part[..<dot].hasSuffix("/"),
      let format = TableFormat(rawValue: part[part.index(after: dot)...].lowercased())
    else { return nil }
    return .file(part, format)
  }

  /// The folder that is missing, if this is a file and it is.
  package var missingFolder: String? {
    guard case .file(let path, _) = self else { return nil }
    let folder = URL(fileURLWithPath: path).deletingLastPathComponent().path
    var isFolder: ObjCBool = false
    let exists = unsafe FileManager.default.fileExists(atPath: folder, isDirectory: &isFolder)
    return exists && isFolder.boolValue ? nil : folder
  }

  /// Writes the table, whole or not at all.
  ///
  /// - Throws: ``FileError`` naming the file.
  package func write(_ table: ResultTable, print: (String) -> Void) throws {
    switch self {
    case .print(let format): print(format.text(table))
    case .file(let path, let format):
      func failure(_ error: FileError) -> FileError { error }
      let bytes = Array(format.text(table).utf8)
      try AtomicFile.write(to: path, failure: failure) { file throws(FileError) in
        try file.append(bytes)
      }
    }
  }
}
