import Foundation
import HeadKV
import HeadKVMath

/// Opening a file of weights that the system has in memory, and packing them.
final class LoadPart: BenchPart {
  let label: PartLabel
  private let file: RandomFile
  private let hints: GPTHints
  private let precision: WeightPrecision
  private let threads: Int

  init(
    _ file: RandomFile, _ preset: GPTPreset, precision: WeightPrecision, pool: WorkerPool
  ) {
    var label = PartLabel("load", unit: "model")
    label.shape = preset.name
    label.precision = precision.rawValue
    self.label = label
    self.file = file
    self.precision = precision
    threads = pool.threads
    hints = GPTHints(grid: TokenGrid(width: 16, height: 16), preset: preset)
  }

  var bytesPerUnit: Int? { nil }

  func run() throws -> Double {
    let start = ContinuousClock.now
    let model = try GPT(
      TensorCatalog.open(file.path), hints: hints, precision: precision, threads: threads)
    let spent = ContinuousClock.now - start
    precondition(model.unexpected.isEmpty, "the file holds what the model has")
    return Statistics.milliseconds(spent)
  }
}

extension RandomFile {
  /// A class-conditional model of a published size, in f32.
  convenience init(model preset: GPTPreset) throws {
    let (width, hidden) = (preset.dimension, preset.hidden)
    var tensors = [
      Self.tensor("tok_embeddings.weight", [16384, width]),
      Self.tensor("output.weight", [16384, width]), Self.tensor("norm.weight", [width]),
      Self.tensor("cls_embedding.embedding_table.weight", [1001, width]),
    ]
    for layer in 0..<preset.layers {
      let prefix = "layers.\(layer)."
      tensors += [
        Self.tensor(prefix + "attention_norm.weight", [width]),
        Self.tensor(prefix + "ffn_norm.weight", [width]),
        Self.tensor(prefix + "attention.wqkv.weight", [3 * width, width]),
        Self.tensor(prefix + "attention.wo.weight", [width, width]),
        Self.tensor(prefix + "feed_forward.w1.weight", [hidden, width]),
        Self.tensor(prefix + "feed_forward.w3.weight", [hidden, width]),
        Self.tensor(prefix + "feed_forward.w2.weight", [width, hidden]),
      ]
    }
    try self.init(name: preset.name, tensors)
  }
}
