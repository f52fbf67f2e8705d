import Foundation

/// The bytes of a file, mapped and not copied, or bytes in memory; read-only.
@safe
final class MappedFile: @unchecked Sendable {
  let path: String
  let bytes: UnsafeRawBufferPointer
  private let isMapped: Bool

  /// - Throws: ``WeightError`` if the file cannot be opened, is no regular file or is empty.
  init(path: String) throws(WeightError) {
    self.path = path
    let descriptor = open(path, O_RDONLY)
    guard descriptor >= 0 else {
      throw WeightError(path, .unreadable(Self.systemError))
    }
    defer { close(descriptor) }
    var status = stat()
    guard unsafe fstat(descriptor, &status) == 0 else {
      throw WeightError(path, .unreadable(Self.systemError))
    }
    guard status.st_mode & S_IFMT == S_IFREG else {
      throw WeightError(path, .unreadable("not a regular file"))
    }
    guard status.st_size > 0 else { throw WeightError(path, .malformed("the file is empty")) }
    let size = Int(status.st_size)
    let address = unsafe mmap(nil, size, PROT_READ, MAP_PRIVATE, descriptor, 0)
    guard let address = unsafe address, unsafe address != MAP_FAILED else {
      throw WeightError(path, .unreadable(Self.systemError))
    }
    unsafe bytes = UnsafeRawBufferPointer(start: address, count: size)
    isMapped = true
  }

  init(copying source: [UInt8], name: String) {
    path = name
    let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: max(source.count, 1), alignment: 64)
    unsafe copy.copyBytes(from: source)
    unsafe bytes = UnsafeRawBufferPointer(start: copy.baseAddress, count: source.count)
    isMapped = false
  }

  deinit {
    if isMapped {
      unsafe munmap(UnsafeMutableRawPointer(mutating: bytes.baseAddress), bytes.count)
    } else {
      unsafe UnsafeMutableRawPointer(mutating: bytes.baseAddress)?.deallocate()
    }
  }

  private static var systemError: String { unsafe String(cString: strerror(errno)) }

  var count: Int { unsafe bytes.count }

  /// The little-endian number at `offset`; nil if it does not lie in the file.
  func integer<T: FixedWidthInteger>(_ type: T.Type, at offset: Int) -> T? {
    guard offset >= 0, offset <= count - MemoryLayout<T>.size else { return nil }
    return unsafe T(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: T.self))
  }

  /// A copy of some bytes; nil if they do not lie in the file.
  func slice(_ offset: Int, _ length: Int) -> [UInt8]? {
    guard offset >= 0, length >= 0, offset <= count, length <= count - offset else { return nil }
    return unsafe Array(bytes[offset..<offset + length])
  }
}
