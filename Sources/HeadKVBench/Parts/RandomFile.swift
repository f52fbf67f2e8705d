import Foundation
import HeadKV
import HeadKVMath

/// A safetensors file of random weights in the temporary folder, until this is released.
final class RandomFile {
  let path: String

  init(name: String, _ tensors: [TensorToWrite]) throws {
    let process = ProcessInfo.processInfo.processIdentifier
    path = FileManager.default.temporaryDirectory
      .appendingPathComponent("headkv-bench-\(process)-\(name).safetensors").path
    try SafetensorsWriter.write(tensors, to: path)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

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
