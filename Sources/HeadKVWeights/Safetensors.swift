/// Reads the header of a safetensors file and checks every tensor it names.
enum Safetensors {
  /// The longest header that is read, in bytes.
  static let maximumHeader = 100_000_000

  /// O(header) time and memory; reads no elements.
  static func read(_ file: MappedFile) throws(WeightError) -> Contents {
    var reader = try ByteReader(file, 0..<file.count)
    let length = try reader.u64()
    guard length <= UInt64(maximumHeader) else {
      throw WeightError(
        file: file.path, offset: 0,
        problem: .limit(
          what: "header bytes", atMost: maximumHeader, found: Int(clamping: length)))
    }
    let header = try reader.bytes(Int(length))
    let dataStart = reader.position
    let dataCount = file.count - dataStart
    guard header.first == UInt8(ascii: "{") else {
      throw WeightError(
        file: file.path, offset: 8, problem: .malformed("the header is not a JSON object"))
    }
    var contents = Contents(files: [file], tensors: [])
    var json = JSONReader(header, path: file.path, start: 8)
    try json.object { (name, json) throws(WeightError) in
      if name == "__metadata__" {
        try json.object { (key, json) throws(WeightError) in
          contents.metadata[key] = try json.string()
        }
      } else {
        let info = try entry(name, &json, file.path, dataStart, dataCount)
        contents.tensors.append(FoundTensor(info: info, file: 0))
      }
    }
    try json.finish()
    try HeaderSeal.check(header, contents.metadata, path: file.path)
    try checkOverlaps(contents.tensors)
    return contents
  }

  private static func entry(
    _ name: String, _ json: inout JSONReader, _ path: String, _ dataStart: Int, _ dataCount: Int
  ) throws(WeightError) -> TensorInfo {
    var type: String?
    var shape: [Int]?
    var offsets: [Int]?
    try json.object { (key, json) throws(WeightError) in
      switch key {
      case "dtype": type = try json.string()
      case "shape": shape = try json.sizes(atMost: TensorInfo.maximumRank)
      case "data_offsets": offsets = try json.sizes(atMost: 2)
      default: try json.skip()
      }
    }
    func fail(_ problem: WeightError.Problem) -> WeightError {
      WeightError(file: path, tensor: name, problem: problem)
    }
    guard let type else { throw fail(.missingMember("dtype")) }
    guard let shape else { throw fail(.missingMember("shape")) }
    guard let offsets else { throw fail(.missingMember("data_offsets")) }
    guard let dtype = DType(rawValue: type) else {
      throw fail(.unsupported("element type '\(type)'"))
    }
    guard offsets.count == 2, offsets[0] <= offsets[1] else {
      throw fail(.malformed("data_offsets must be a begin and an end: \(offsets)"))
    }
    guard offsets[1] <= dataCount else {
      throw fail(.outOfRange(what: "end of data", atMost: dataCount, found: offsets[1]))
    }
    guard
      let info = TensorInfo(
        name: name, dtype: dtype, shape: shape, file: path, offset: dataStart + offsets[0])
    else { throw fail(.malformed("shape \(shape) is too large")) }
    guard info.byteCount == offsets[1] - offsets[0] else {
      throw fail(
        .sizeMismatch(
          what: "bytes of data", expected: info.byteCount, found: offsets[1] - offsets[0]))
    }
    return info
  }

  private static func checkOverlaps(_ tensors: [FoundTensor]) throws(WeightError) {
    let ordered = tensors.map(\.info).filter { $0.byteCount > 0 }
      .sorted { $0.offset < $1.offset }
    for (left, right) in zip(ordered, ordered.dropFirst())
    where left.offset + left.byteCount > right.offset {
      throw WeightError(
        file: right.file, tensor: right.name, offset: right.offset,
        problem: .overlap(with: left.name))
    }
  }
}
