import Foundation
import HeadKV
import HeadKVFiles

/// What a manifest says of a picture: all of it from the bytes of the file.
struct ManifestEntry: Encodable, Sendable {
  /// Of all pictures, whatever the shard; from 0.
  let number: Int
  let file: String
  let sha256: String
  let seed: UInt64
  let category: Int?
  let className: String?
  let caption: Int?
  let kernels: String
  /// ``Recipe/settingsDigest()``: the same for all pictures of a run.
  let settings: String

  private enum CodingKeys: String, CodingKey {
    case number, file, sha256, seed, className, caption, kernels, settings
    case category = "class"
  }

  /// - Parameters:
  ///   - recipe: the picture's own.
  ///   - bytes: of the file.
  init(_ number: Int, file: String, bytes: [UInt8], recipe: Recipe, settings: String) {
    self.number = number
    self.file = file
    sha256 = bytes.withUnsafeBytes { SHA256.digest($0) }
    let picture = recipe.pictures[0]
    seed = picture.seed
    category = picture.category
    className = picture.className
    caption = picture.caption
    kernels = recipe.kernels
    self.settings = settings
  }
}

/// A file of JSON lines, one for each picture of a series that is finished.
///
/// It begins with the first batch, in place of an older file; each further batch is appended in one
/// write. At the end lines are in the order of the pictures' numbers.
final class Manifest {
  let path: String
  private var entries: [ManifestEntry]
  private var isBegun = false
  private var isInOrder = true

  /// - Parameter entries: of pictures that are there, by number.
  init(_ path: String, finished entries: [ManifestEntry]) {
    self.path = path
    self.entries = entries
  }

  /// Notes a batch whose files are written.
  func add(_ batch: [ManifestEntry]) throws {
    if let last = entries.last, let first = batch.first, first.number < last.number {
      isInOrder = false
    }
    entries += batch
    if isBegun {
      try append(Self.lines(batch))
    } else {
      try writeAll()
    }
  }

  /// Writes what is still to be written.
  func finish() throws {
    guard !isBegun || !isInOrder else { return }
    entries.sort { $0.number < $1.number }
    try writeAll()
    isInOrder = true
  }

  private func writeAll() throws {
    let bytes = try Self.lines(entries)
    try AtomicFile.write(to: path, failure: { $0 }) { file throws(FileError) in
      try file.append(bytes)
    }
    isBegun = true
  }

  private func append(_ bytes: [UInt8]) throws {
    let file = open(path, O_WRONLY | O_APPEND | O_CLOEXEC)
    guard file >= 0 else { throw FileError(path: path, call: "open") }
    defer { close(file) }
    let count = bytes.withUnsafeBytes { write(file, $0.baseAddress, $0.count) }
    guard count == bytes.count else { throw FileError(path: path, call: "write") }
    guard fsync(file) == 0 else { throw FileError(path: path, call: "fsync") }
  }

  private static func lines(_ entries: [ManifestEntry]) throws -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return try entries.flatMap { try encoder.encode($0) + [UInt8(ascii: "\n")] }
  }
}
