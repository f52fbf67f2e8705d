import CHeadKVKernels
import Foundation
import HeadKVCache
import HeadKVMath

/// Input embeddings `[rows, dimension]` of the condition.
struct PrefixInput {
  let rows: Int
  let embeddings: FloatStorage
}

extension GPT {
  /// Embeds a condition; for a caption the tokens that are not padding.
  func prefix(_ condition: Condition) throws(ModelError) -> PrefixInput {
    let width = configuration.dimension
    switch (condition, self.condition) {
    case (.category(let index), .classes(let table)):
      let classes = table.count / width - 1
      guard index >= 0, index <= classes else {
        throw .classOutOfRange(index, classes: classes)
      }
      let row = unsafe Array(UnsafeBufferPointer(start: table.base + index * width, count: width))
      return PrefixInput(rows: 1, embeddings: FloatStorage(row))
    case (.caption(let caption), .captions(let first, let second, let null)):
      guard caption.dimension == first.inFeatures,
        caption.features.count == null.count
      else {
        throw .caption(
          reason:
            "features are [\(caption.tokens), \(caption.dimension)], the model takes [\(null.count / first.inFeatures), \(first.inFeatures)]"
        )
      }
      let features = FloatStorage(caption.features)
      return unsafe project(features.base, caption.valid, first, second)
    case (.nullCaption(let tokens), .captions(let first, let second, let null)):
      guard tokens.lowerBound >= 0, !tokens.isEmpty,
        tokens.upperBound * first.inFeatures <= null.count
      else { throw .caption(reason: "tokens \(tokens) are not in the model's null caption") }
      return unsafe project(null.base, tokens, first, second)
    case (.category, .captions):
      throw .caption(reason: "the model draws from captions, not from classes")
    default:
      throw .caption(reason: "the model draws from classes, not from captions")
    }
  }

  private func project(
    _ features: UnsafePointer<Float>, _ tokens: Range<Int>, _ first: Linear, _ second: Linear
  ) -> PrefixInput {
    let pool = WorkerPool(threads: 1)
    let scratch = LinearScratch(
      rows: tokens.count, features: max(first.inFeatures, first.outFeatures))
    let input = AlignedBuffer<Float>(count: tokens.count * first.inFeatures, repeating: 0)
    let middle = AlignedBuffer<Float>(count: tokens.count * first.outFeatures, repeating: 0)
    let output = AlignedBuffer<Float>(count: tokens.count * second.outFeatures, repeating: 0)
    unsafe input.base.update(
      from: features + tokens.lowerBound * first.inFeatures, count: input.count)
    unsafe first.apply(
      input.matrix(rows: tokens.count, columns: first.inFeatures),
      into: middle.matrix(rows: tokens.count, columns: first.outFeatures), exactRows: false,
      scratch: scratch, pool: pool)
    unsafe hkv_gelu_tanh(middle.base, middle.count)
    unsafe second.apply(
      middle.matrix(rows: tokens.count, columns: first.outFeatures),
      into: output.matrix(rows: tokens.count, columns: second.outFeatures), exactRows: false,
      scratch: scratch, pool: pool)
    let values = unsafe Array(UnsafeBufferPointer(start: output.base, count: output.count))
    return PrefixInput(rows: tokens.count, embeddings: FloatStorage(values))
  }
}

extension DecodeEngine {
  /// Runs a caption of n tokens through the network and caches one row for each head.
  ///
  /// The prefix has zero queries and keys, so each of its rows attends evenly to itself and those
  /// before: attention is a running mean of V. A later query gives each of the n rows the logit 0,
  /// hence the weight 1 beside exp(q.k): one row with key 0, the mean of V and the logit bias
  /// log n stands for all of them exactly.
  func foldPrefix(_ prefix: PrefixInput, into session: CacheSession) {
    let count = prefix.rows
    let shape = model.configuration
    let width = shape.dimension
    let x = AlignedBuffer<Float>(count: count * width, repeating: 0)
    let normed = AlignedBuffer<Float>(count: count * width, repeating: 0)
    let qkv = AlignedBuffer<Float>(count: count * 3 * width, repeating: 0)
    let means = AlignedBuffer<Float>(count: count * width, repeating: 0)
    let gate = AlignedBuffer<Float>(count: count * shape.hidden, repeating: 0)
    let up = AlignedBuffer<Float>(count: count * shape.hidden, repeating: 0)
    let zeroKey = AlignedBuffer<Float>(count: shape.headDimension, repeating: 0)
    let scratch = LinearScratch(rows: count, features: max(width, shape.hidden))
    let stream = unsafe x.matrix(rows: count, columns: width)
    let norm = unsafe normed.matrix(rows: count, columns: width)
    let projected = unsafe qkv.matrix(rows: count, columns: 3 * width)
    let mean = unsafe means.matrix(rows: count, columns: width)
    unsafe x.base.update(from: prefix.embeddings.base, count: count * width)

    for (index, layer) in model.layers.enumerated() {
      unsafe normalise(stream, layer.attentionNorm, into: norm)
      unsafe layer.queryKeyValue.apply(
        norm, into: projected, exactRows: false, scratch: scratch, pool: pool)
      for column in 0..<width {
        var sum = 0.0
        for row in 0..<count {
          sum += unsafe Double(projected.row(row)[2 * width + column])
          unsafe mean.row(row)[column] = Float(sum / Double(row + 1))
        }
      }
      for head in 0..<shape.heads {
        unsafe session.rows(layer: index, head: head).append(
          key: zeroKey.base, value: mean.row(count - 1) + head * shape.headDimension,
          CacheRow(position: -1, birth: 0, bias: log(Float(count))))
      }
      unsafe layer.attentionOutput.apply(
        mean, into: stream, accumulate: true, exactRows: false, scratch: scratch, pool: pool)
      unsafe normalise(stream, layer.feedForwardNorm, into: norm)
      let hidden = unsafe gate.matrix(rows: count, columns: shape.hidden)
      unsafe FeedForwardWork.run(
        layer, norm, gate: hidden, up: up.matrix(rows: count, columns: shape.hidden),
        scratch: scratch, pool: pool)
      unsafe layer.down.apply(
        hidden, into: stream, accumulate: true, exactRows: false, scratch: scratch, pool: pool)
    }
    session.adoptPrefix(rows: 1)
    unsafe self.scratch.setInput(row: 0, stream.row(count - 1))
  }
}
