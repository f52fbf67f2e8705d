#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// The few questions asked of a directory.
enum Directory {
  static func exists(_ path: String) -> Bool {
    var status = stat()
    return unsafe stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
  }

  /// The only index in the directory, or else its only safetensors file. Throws when neither is
  /// there or the choice is not clear.
  static func weights(in directory: String) throws(WeightError) -> String {
    let names = try list(directory)
    for suffix in [".safetensors.index.json", ".safetensors"] {
      let matching = names.filter { $0.hasSuffix(suffix) }
      if matching.count == 1 {
        return directory.hasSuffix("/") ? directory + matching[0] : directory + "/" + matching[0]
      }
      if matching.count > 1 {
        throw WeightError(
          file: directory,
          problem: .malformed(
            "\(matching.count) files end in \(suffix); name the one to open"))
      }
    }
    throw WeightError(file: directory, problem: .missingMember("*.safetensors"))
  }

  private static func list(_ path: String) throws(WeightError) -> [String] {
    guard let stream = unsafe opendir(path) else { throw systemError(path, "opendir") }
    defer { unsafe _ = closedir(stream) }
    var names: [String] = []
    while let entry = unsafe readdir(stream) {
      let name = unsafe withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
        unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
      }
      names.append(name)
    }
    return names.sorted()
  }
}
