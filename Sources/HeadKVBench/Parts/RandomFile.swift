import HeadKV
import HeadKVMath

/// A safetensors file of random weights among the temporary files, until this is released.
final class RandomFile {
  let path: String
  private let folder: TemporaryFolder

  init(name: String, _ tensors: [TensorToWrite]) throws {
    folder = try TemporaryFolder()
    path = folder.path + "/\(name).safetensors"
    try SafetensorsWriter.write(tensors, to: path)
  }

  /// A tensor of small numbers; which ones they are does not matter to time.
  static func tensor(_ name: String, _ shape: [Int]) -> TensorToWrite {
    let count = shape.reduce(1, *)
    return .f32(
      name, shape,
      unsafe [Float](unsafeUninitializedCapacity: count) { buffer, filled in
        if let base = buffer.baseAddress {
          unsafe RandomFill(base: base, count: count).perform(0)
        }
        filled = count
      })
  }
}
