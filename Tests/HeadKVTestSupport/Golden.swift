import Foundation
import HeadKVModels
import HeadKVWeights

/// A golden model and what LlamaGen's own PyTorch code computes with it.
public struct Golden {
  public let model: GPT
  public let expected: TensorCatalog

  /// Path of a file of the goldens.
  public static func path(_ name: String) -> String {
    Bundle.module.bundleURL.appendingPathComponent("Goldens").appendingPathComponent(name).path
  }

  public init(_ folder: String, weights: String = "gpt.safetensors") throws {
    model = try GPT(
      TensorCatalog.open(Self.path("\(folder)/\(weights)")),
      hints: GPTHints(sidecar: Self.path("\(folder)/config.json")))
    expected = try TensorCatalog.open(Self.path("\(folder)/expected.safetensors"))
  }

  public func floats(_ name: String) throws -> [Float] { try expected.tensor(name).floats() }

  public func integers(_ name: String) throws -> [Int] {
    try expected.tensor(name).integers().map(Int.init)
  }

  public func caption(_ index: Int) throws -> Caption {
    let shape = try expected.tensor("captions").info.shape
    let size = shape[1] * shape[2]
    return try Caption(
      features: Array(floats("captions")[index * size..<(index + 1) * size]), dimension: shape[2],
      mask: Array(floats("mask")[index * shape[1]..<(index + 1) * shape[1]]))
  }
}
