import Foundation
import HeadKVModels
import HeadKVWeights

/// LlamaGen's class-conditional network written out in plain loops: the naive twin of the engine.
///
/// Rows are fed in groups; a row sees every row of its own and of earlier groups. It shares no code
/// with the engine but the reader of weights.
struct ReferenceGPT {
  let shape: GPTConfiguration
  private var weights: [String: [Double]] = [:]
  private var keys: [[[Double]]]
  private var values: [[[Double]]]

  init(_ catalog: TensorCatalog, _ shape: GPTConfiguration) throws {
    self.shape = shape
    for info in catalog.tensors {
      weights[info.name] = try catalog.tensor(info.name).floats().map(Double.init)
    }
    keys = Array(repeating: [], count: shape.layers)
    values = keys
  }

  private func product(_ name: String, _ x: [Double]) -> [Double] {
    let matrix = weights[name]!
    return (0..<matrix.count / x.count).map { row in
      (0..<x.count).reduce(0) { $0 + matrix[row * x.count + $1] * x[$1] }
    }
  }

  private func normed(_ name: String, _ x: [Double]) -> [Double] {
    let scale = 1 / (x.reduce(0) { $0 + $1 * $1 } / Double(x.count) + 1e-5).squareRoot()
    return zip(x, weights[name]!).map { $0 * scale * $1 }
  }

  private func rotated(_ x: [Double], _ position: Int?) -> [Double] {
    guard let position else { return x.map { _ in 0 } }
    let size = shape.headDimension
    let half = size / 2
    var out = x
    for head in 0..<shape.heads {
      for pair in 0..<half {
        let along = pair < half / 2 ? position / shape.grid.width : position % shape.grid.width
        let angle = Double(along) * pow(10_000, -2 * Double(pair % (half / 2)) / Double(half))
        let at = head * size + 2 * pair
        out[at] = x[at] * cos(angle) - x[at + 1] * sin(angle)
        out[at + 1] = x[at] * sin(angle) + x[at + 1] * cos(angle)
      }
    }
    return out
  }

  /// Feeds a class (position nil) or tokens, all of one group; logits of each row.
  mutating func feed(_ rows: [(index: Int, position: Int?)]) -> [[Double]] {
    let width = shape.dimension
    var streams = rows.map { row in
      let table =
        weights[row.position == nil ? "cls_embedding.embedding_table.weight" : "tok_embeddings.weight"]!
      return Array(table[row.index * width..<(row.index + 1) * width])
    }
    for layer in 0..<shape.layers {
      let name = "layers.\(layer)."
      var queries: [[Double]] = []
      for (index, row) in rows.enumerated() {
        let qkv = product(
          name + "attention.wqkv.weight", normed(name + "attention_norm.weight", streams[index]))
        queries.append(rotated(Array(qkv[..<width]), row.position))
        keys[layer].append(rotated(Array(qkv[width..<2 * width]), row.position))
        values[layer].append(Array(qkv[(2 * width)...]))
      }
      for index in rows.indices {
        var mixed = [Double](repeating: 0, count: width)
        let size = shape.headDimension
        for head in 0..<shape.heads {
          let range = head * size..<(head + 1) * size
          let weights = keys[layer].map { key in
            exp(range.reduce(0) { $0 + queries[index][$1] * key[$1] } / Double(size).squareRoot())
          }
          let sum = weights.reduce(0, +)
          for (weight, value) in zip(weights, values[layer]) {
            for element in range { mixed[element] += weight / sum * value[element] }
          }
        }
        let out = product(name + "attention.wo.weight", mixed)
        streams[index] = zip(streams[index], out).map(+)
        let h = normed(name + "ffn_norm.weight", streams[index])
        let gate = product(name + "feed_forward.w1.weight", h)
        let up = product(name + "feed_forward.w3.weight", h)
        let hidden = zip(gate, up).map { $0 / (1 + exp(-$0)) * $1 }
        streams[index] = zip(streams[index], product(name + "feed_forward.w2.weight", hidden)).map(+)
      }
    }
    return streams.map { product("output.weight", normed("norm.weight", $0)) }
  }
}
