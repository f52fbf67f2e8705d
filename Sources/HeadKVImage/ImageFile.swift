import Foundation
internal import HeadKVFiles

/// Whole files, read and written with the system's reasons in the errors.
enum ImageFile {
  /// Larger files cannot be pictures within the limits.
  static let maxBytes = 1 << 29

  /// All bytes at `path`. Throws if it cannot be read or is larger than ``maxBytes``.
  static func read(_ path: String) throws(ImageError) -> [UInt8] {
    let file = unsafe open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { throw failure("open", path) }
    defer { close(file) }
    var bytes: [UInt8] = []
    var part = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let size = part.count
      let count = unsafe part.withUnsafeMutableBytes { unsafe Foundation.read(file, $0.baseAddress, size) }
      if count < 0 {
        if errno == EINTR { continue }
        throw failure("read", path)
      }
      if count == 0 { return bytes }
      bytes += part[..<count]
      guard bytes.count <= maxBytes else {
        throw ImageError("\(path): larger than \(maxBytes) bytes")
      }
    }
  }

  /// Writes the file whole or not at all. Throws if any step fails.
  static func write(_ bytes: [UInt8], to path: String) throws(ImageError) {
    func failure(_ error: FileError) -> ImageError { ImageError("\(error)") }
    try AtomicFile.write(to: path, failure: failure) { file throws(ImageError) in
      do throws(FileError) { try file.append(bytes) } catch { throw failure(error) }
    }
  }

  private static func failure(_ call: String, _ path: String) -> ImageError {
    ImageError("\(FileError(path: path, call: call))")
  }
}
