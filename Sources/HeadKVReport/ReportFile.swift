internal import HeadKVFiles

/// Text files, written whole or not at all.
enum ReportFile {
  static func write(_ text: String, to path: String) throws(ReportError) {
    func failure(_ error: FileError) -> ReportError { ReportError("\(error)") }
    try AtomicFile.write(to: path, failure: failure) { file throws(ReportError) in
      do throws(FileError) { try file.append(Array(text.utf8)) } catch { throw failure(error) }
    }
  }
}
