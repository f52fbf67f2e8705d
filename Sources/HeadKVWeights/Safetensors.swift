import Foundation

/// The safetensors format: 8 bytes of header length, a JSON header, tensor bytes.
enum Safetensors {
  static let largestHeader = 100_000_000

  static func read(
    _ file: MappedFile
  ) throws(WeightError) -> (tensors: [TensorInfo], metadata: [String: String]) {
    guard let length = file.integer(UInt64.self, at: 0) else {
      throw WeightError(file.path, .malformed("too short for a weight file"))
    }
    let room = min(file.count - 8, largestHeader)
    guard length <= UInt64(room) else {
      throw WeightError(
        file.path,
        .outOfRange(
          what: "the header's length", found: Int(clamping: length), limit: room), offset: 0)
    }
    let header = file.slice(8, Int(length)) ?? []
    let object: [String: Entry]
    do {
      object = try JSONDecoder().decode([String: Entry].self, from: Data(header))
    } catch {
      throw WeightError(
        file.path, .malformed("the header is not JSON with dtype, shape and data_offsets"),
        offset: 8)
    }
    var tensors: [TensorInfo] = []
    var metadata: [String: String] = [:]
    for (name, entry) in object {
      switch entry {
      case .metadata(let values): metadata = values
      case .tensor(let dtype, let shape, let offsets):
        tensors.append(
          try tensor(name, dtype, shape, offsets, start: 8 + Int(length), file))
      }
    }
    try checkOverlaps(tensors)
    tensors.sort { $0.name < $1.name }
    return (tensors, metadata)
  }

  private static func tensor(
    _ name: String, _ type: String, _ shape: [Int], _ offsets: [Int], start: Int,
    _ file: MappedFile
  ) throws(WeightError) -> TensorInfo {
    func fail(_ problem: WeightError.Problem) -> WeightError {
      WeightError(file.path, problem, tensor: name)
    }
    guard let dtype = DType(rawValue: type) else { throw fail(.unsupported("type '\(type)'")) }
    guard shape.count <= 64, let count = TensorInfo.product(shape) else {
      throw fail(.malformed("its shape is not a list of sizes"))
    }
    guard offsets.count == 2, offsets[0] >= 0, offsets[0] <= offsets[1] else { throw fail(.malformed("its data_offsets are not two growing numbers")) }
    let limit = file.count - start
    guard offsets[1] <= limit else {
      throw fail(.outOfRange(what: "its end", found: offsets[1], limit: limit))
    }
    let (bytes, overflow) = count.multipliedReportingOverflow(by: dtype.byteCount)
    guard !overflow, bytes == offsets[1] - offsets[0] else {
      throw fail(
        .malformed("\(offsets[1] - offsets[0]) bytes do not make \(type) of shape \(shape)"))
    }
    return TensorInfo(
      name: name, dtype: dtype, shape: shape, strides: TensorInfo.contiguousStrides(shape),
      file: file.path, offset: start + offsets[0], elementCount: count)
  }

  private static func checkOverlaps(_ tensors: [TensorInfo]) throws(WeightError) {
    let byPlace = tensors.filter { $0.byteCount > 0 }.sorted { $0.offset < $1.offset }
    for (before, after) in zip(byPlace, byPlace.dropFirst())
    where before.offset + before.byteCount > after.offset {
      throw WeightError(
        after.file, .overlap(with: before.name), tensor: after.name, offset: after.offset)
    }
  }
}

/// One entry of the header.
private enum Entry: Decodable {
  case metadata([String: String])
  case tensor(dtype: String, shape: [Int], offsets: [Int])

  private struct Tensor: Decodable {
    let dtype: String
    let shape: [Int]
    let data_offsets: [Int]
  }

  init(from decoder: any Decoder) throws {
    if decoder.codingPath.last?.stringValue == "__metadata__" {
      self = .metadata(try [String: String](from: decoder))
    } else {
      let tensor = try Tensor(from: decoder)
      self = .tensor(dtype: tensor.dtype, shape: tensor.shape, offsets: tensor.data_offsets)
    }
  }
}
