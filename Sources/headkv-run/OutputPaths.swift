import Foundation
import HeadKV
import HeadKVFiles

/// Where pictures go: one sheet, or a file each if the name holds `%d` or `%03d`.
struct OutputPaths {
  private let before: String
  private let after: String
  /// Digits at least; nil for a sheet.
  private let digits: Int?

  init(_ pattern: String) throws {
    guard let percent = pattern.firstIndex(of: "%") else {
      before = pattern
      after = ""
      digits = nil
      return
    }
    let rest = pattern[pattern.index(after: percent)...]
    guard let end = rest.firstIndex(of: "d"), rest[..<end].count <= 3,
      let width = rest[..<end].isEmpty ? 0 : Int(rest[..<end]), width >= 0,
      !rest[rest.index(after: end)...].contains("%")
    else { throw OptionError("-o", pattern, "a name with at most one %d or %03d") }
    before = String(pattern[..<percent])
    after = String(rest[rest.index(after: end)...])
    digits = width
  }

  /// Whether each picture has a file of its own.
  var isSeries: Bool { digits != nil }

  /// The manifest beside the pictures: `p-%05d.png` has `p-manifest.jsonl`.
  func manifest(of shard: Shard?) -> String {
    let joint = before.last.map { $0.isLetter || $0.isNumber } ?? false
    return before + (joint ? "-" : "") + "manifest" + (shard.map { "-" + $0.name } ?? "") + ".jsonl"
  }

  func path(_ index: Int) -> String {
    guard let digits else { return before }
    let number = String(index)
    return before + String(repeating: "0", count: max(digits - number.count, 0)) + number + after
  }

  /// Fails before the work if the folder is not there or not writable.
  func check() throws { try Self.checkDirectory(of: path(0)) }

  /// Fails if the folder of a file is not there or not writable, or a folder stands in its place.
  static func checkDirectory(of path: String) throws {
    if AtomicFile.isStream(path) { return }
    let folder = URL(fileURLWithPath: path).deletingLastPathComponent().path
    var isDirectory: ObjCBool = false
    guard FileManager.default.fileExists(atPath: folder, isDirectory: &isDirectory),
      isDirectory.boolValue
    else { throw OptionError("\(path): the folder", "absent", "there") }
    guard FileManager.default.isWritableFile(atPath: folder) else {
      throw OptionError("\(path): the folder", "not writable", "writable")
    }
    if FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory),
      isDirectory.boolValue
    {
      throw OptionError(path, "a folder", "a file")
    }
  }

  /// Fails before the work if a chart cannot be written there.
  static func checkChart(_ path: String) throws {
    try checkDirectory(of: path)
    guard path.hasSuffix(".svg") || path.hasSuffix(".png") else {
      throw OptionError("-o", path, "a name that ends in .svg or .png")
    }
  }

  /// Pictures as one: a sheet, small ones enlarged; a picture alone as it is.
  static func sheet(_ pictures: [RGBImage], columns: Int) -> RGBImage {
    let scale = max(1, min(3, 128 / max(pictures.first?.width ?? 128, 1)))
    return pictures.count == 1
      ? pictures[0] : ImageSheet.compose(pictures, columns: columns, gap: 2, scale: scale)
  }

  /// Writes the pictures and returns the files.
  ///
  /// - Parameter text: what is stored in the file of picture i, or in a sheet (nil).
  func write(
    _ pictures: [RGBImage], columns: Int, text: (Int?) throws -> [(String, String)]
  ) throws -> [String] {
    guard digits != nil else {
      try PNG.write(Self.sheet(pictures, columns: columns), to: path(0), text: text(nil))
      return [path(0)]
    }
    for (index, picture) in pictures.enumerated() {
      try PNG.write(picture, to: path(index), text: text(index))
    }
    return pictures.indices.map(path)
  }
}
